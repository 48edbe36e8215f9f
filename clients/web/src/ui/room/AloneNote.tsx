import { createMemo, Show, type JSX } from "solid-js";
import { t } from "../../i18n";
import { Icon } from "../kit/Icon";
import { createLoad } from "../kit/load";
import { roomTitle, useChat } from "../state";
import { useRoomView } from "../timeline/view";

/** Who reads what one writes where nobody else is: who was asked and has not come yet, or nobody any more. */
export default function AloneNote(): JSX.Element {
  const chat = useChat();
  const view = useRoomView();
  const source = createMemo(() => `${chat.membersVersion(view.room)} ${chat.connection().phase}`);
  const asked = createLoad(source, () => chat.client.commands.members({ room: view.room, membership: "invite", limit: 1 }));
  const deserted = createMemo(() => chat.timeline(view.room, "").events.some((e) => (e.kind === "leave" && e.author !== chat.me()?.user) || e.kind === "kick" || e.kind === "ban"));
  const text = () => {
    const answer = asked.value();
    if (!answer) return "";
    if (answer.total > 0) return view.summary()?.direct ? t().room.unaccepted(roomTitle(chat, view.summary(), t().rooms.unnamed)) : "";
    return deserted() ? t().room.deserted : "";
  };
  return (
    <Show when={text()}>
      <p class="room-note">
        <Icon name="people" size={15} />
        <span dir="auto">{text()}</span>
      </p>
    </Show>
  );
}
