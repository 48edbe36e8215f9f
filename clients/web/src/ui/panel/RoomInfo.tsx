import { createSignal, Show, type JSX } from "solid-js";
import { t } from "../../i18n";
import { tp } from "../../i18n/panels";
import { attempt, copyText } from "../errors";
import { Button } from "../kit/Button";
import { Confirm } from "../kit/Confirm";
import { Choice } from "../kit/Field";
import { Icon } from "../kit/Icon";
import { go, toRoom } from "../route";
import { RoomAvatar } from "../rooms/RoomAvatar";
import { roomTitle, useChat } from "../state";
import { useRoomView } from "../timeline/view";
import { RoomBridges } from "../bridges/RoomBridges";
import { RoomNodes } from "./RoomNodes";
import { RoomSettings } from "./RoomSettings";

type Muted = "all" | "mentions" | "none";

export default function RoomInfo(props: { creator: string; onLeft: () => void }): JSX.Element {
  const chat = useChat();
  const view = useRoomView();
  const { commands } = chat.client;
  const [leaving, setLeaving] = createSignal(false);
  const summary = view.summary;
  const title = () => roomTitle(chat, summary(), t().rooms.unnamed);
  const muted = (): Muted => (summary()?.muted === "all" ? "all" : summary()?.muted === "mentions" ? "mentions" : "none");
  const leave = async () => {
    await commands.roomLeave({ room: view.room }); // here one has left at once, whatever the room's home says later
    props.onLeft();
    go("#/");
  };
  return (
    <div class="panel-scroll room-info" tabindex="-1">
      <Show when={summary()}>
        {(room) => (
          <div class="info-head">
            <RoomAvatar room={room()} size={64} />
            <h3>{title()}</h3>
            <p class="hint">{room().direct || room().alias}</p>
            <Show when={room().direct}>
              <p class="hint">{tp().info.direct}</p>
            </Show>
            <Show when={props.creator && !room().direct}>
              <p class="hint">{tp().info.created(chat.name(props.creator))}</p>
            </Show>
            <Button small onClick={() => void copyText(new URL(toRoom(view.room), location.href).href, t().actions.linkCopied)}>
              <Icon name="link" size={15} />
              {tp().info.copyLink}
            </Button>
          </div>
        )}
      </Show>
      <section>
        <Choice<Muted>
          label={tp().info.notifications}
          value={muted()}
          options={[
            { value: "none", label: tp().info.all },
            { value: "mentions", label: tp().info.mentions },
            { value: "all", label: tp().info.nothing },
          ]}
          onChange={(v) => void attempt(() => commands.roomMute({ room: view.room, muted: v === "none" ? "" : v }))}
        />
      </section>
      <Show when={view.right("settings") && summary() && !summary()?.direct}>
        <RoomSettings room={summary()!} />
      </Show>
      <Show when={!summary()?.direct}>
        <RoomBridges />
      </Show>
      <Show when={!summary()?.direct || (summary()?.nodes ?? 0) > 1}>
        <RoomNodes />
      </Show>
      <section>
        <Button look="danger" onClick={() => setLeaving(true)}>
          <Icon name="leave" size={16} />
          {summary()?.direct ? tp().info.leaveConversation : tp().info.leave}
        </Button>
      </section>
      <Confirm open={leaving()} title={tp().info.leaveTitle} text={tp().info.leaveText} action={tp().info.leave} onClose={() => setLeaving(false)} onConfirm={leave} />
    </div>
  );
}
