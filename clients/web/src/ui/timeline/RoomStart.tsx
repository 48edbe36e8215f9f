import { Show, type JSX } from "solid-js";
import { t } from "../../i18n";
import { Button } from "../kit/Button";
import { Icon } from "../kit/Icon";
import { RoomAvatar } from "../rooms/RoomAvatar";
import { roomTitle, useChat } from "../state";
import { useRoomView } from "./view";

export function RoomStart(): JSX.Element {
  const chat = useChat();
  const view = useRoomView();
  const title = () => roomTitle(chat, view.summary(), t().rooms.unnamed);
  return (
    <div class="room-start">
      <Show when={view.summary()}>{(room) => <RoomAvatar room={room()} size={56} />}</Show>
      <h2 dir="auto">{title()}</h2>
      <p>{view.summary()?.direct ? t().room.beginningDirect(title()) : t().room.beginning(title())}</p>
      <Show when={view.summary()?.topic}>
        <p class="room-start-topic" dir="auto">
          {view.summary()?.topic}
        </p>
      </Show>
      <p class="hint">{t().room.beginningHint}</p>
      <Show when={view.summary()?.members === 1 && !view.summary()?.direct && view.right("invite")}>
        <Button small onClick={() => view.setAsk({ kind: "invite" })}>
          <Icon name="plus" size={16} />
          {t().members.inviteTitle}
        </Button>
      </Show>
    </div>
  );
}
