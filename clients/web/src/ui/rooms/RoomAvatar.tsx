import { Show, type JSX } from "solid-js";
import type { RoomSummary } from "../../gen/room_pb";
import { t } from "../../i18n";
import { Avatar } from "../kit/Avatar";
import { isStranger, roomTitle, useChat } from "../state";

/** A room's picture; for a 1:1 room that of the other person, with presence. */
export function RoomAvatar(props: { room: RoomSummary; size?: number }): JSX.Element {
  const chat = useChat();
  const title = () => roomTitle(chat, props.room, t().rooms.unnamed);
  return (
    <Show when={!isStranger(props.room) && props.room.direct} fallback={<Avatar square id={props.room.room} name={title()} blob={isStranger(props.room) ? "" : props.room.avatar} size={props.size} />}>
      {(user) => <Avatar id={user()} name={title()} blob={props.room.directProfile?.avatar || chat.profile(user())?.avatar} size={props.size} online={chat.online(user())} />}
    </Show>
  );
}
