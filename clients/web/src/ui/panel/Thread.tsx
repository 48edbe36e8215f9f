import { onCleanup, type JSX } from "solid-js";
import { t } from "../../i18n";
import { Composer } from "../composer/Composer";
import { Asked } from "../room/Asked";
import { useChat } from "../state";
import { Timeline } from "../timeline/Timeline";
import { createRoomView, RoomViewContext, useRoomView } from "../timeline/view";

/** A thread: its first message and the replies, with a composer of its own. */
export default function Thread(props: { id: string }): JSX.Element {
  const chat = useChat();
  const room = useRoomView();
  const thread = props.id; // made anew for another thread
  chat.client.openThread(room.room, thread);
  const view = createRoomView({ room: room.room, thread, summary: room.summary, right: room.right, openThread: () => {}, jump: room.jump });
  onCleanup(() => view.setMode({ kind: "new" }));
  return (
    <RoomViewContext.Provider value={view}>
      <div class="thread">
        <Timeline />
        <div class="room-foot">
          <Composer placeholder={t().composer.threadPlaceholder} autofocus />
        </div>
        <Asked />
      </div>
    </RoomViewContext.Provider>
  );
}
