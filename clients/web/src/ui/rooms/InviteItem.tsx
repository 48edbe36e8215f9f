import { createSignal, Show, type JSX } from "solid-js";
import type { RoomSummary } from "../../gen/room_pb";
import { t } from "../../i18n";
import { attempt } from "../errors";
import { Button } from "../kit/Button";
import { go, toRoom } from "../route";
import { elsewhere, roomTitle, useChat } from "../state";
import { RoomAvatar } from "./RoomAvatar";

export function InviteItem(props: { room: RoomSummary }): JSX.Element {
  const chat = useChat();
  const [busy, setBusy] = createSignal(false);
  const title = () => roomTitle(chat, props.room, t().rooms.unnamed);
  const answer = async (yes: boolean) => {
    setBusy(true);
    const { room } = props.room;
    const done = await attempt(() => (yes ? chat.client.commands.roomJoin({ room }) : chat.client.commands.roomLeave({ room })));
    if (done && yes) go(toRoom(room));
    setBusy(false);
  };
  return (
    <div class="invite" role="group" aria-label={title()}>
      <RoomAvatar room={props.room} size={38} />
      <div class="invite-main">
        <span class="room-link-title">{title()}</span>
        <span class="room-link-preview" title={props.room.invitedBy}>{t().rooms.invitedBy(chat.name(props.room.invitedBy))}</span>
        <Show when={elsewhere(chat, props.room.invitedBy)}>{(node) => <span class="node-tag">@{node()}</span>}</Show>
        <div class="invite-actions">
          <Button small look="primary" busy={busy()} aria-label={`${t().rooms.accept}: ${title()}`} onClick={() => void answer(true)}>
            {t().rooms.accept}
          </Button>
          <Button small busy={busy()} aria-label={`${t().rooms.decline}: ${title()}`} onClick={() => void answer(false)}>
            {t().rooms.decline}
          </Button>
        </div>
      </div>
    </div>
  );
}
