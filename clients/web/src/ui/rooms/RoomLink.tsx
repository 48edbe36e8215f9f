import { Show, type JSX } from "solid-js";
import { locale, t } from "../../i18n";
import { number } from "../../i18n/plural";
import { listTime } from "../../i18n/dates";
import { Icon } from "../kit/Icon";
import { route, toRoom } from "../route";
import { elsewhere, roomTitle, useChat } from "../state";
import { plain } from "../markdown/plain";
import { RoomAvatar } from "./RoomAvatar";

export function RoomLink(props: { id: string }): JSX.Element {
  const chat = useChat();
  const room = () => chat.room(props.id);
  const title = () => roomTitle(chat, room(), t().rooms.unnamed);
  const node = () => (room()?.direct ? elsewhere(chat, room()!.direct) : ""); // people of two nodes may have one name
  const current = () => {
    const now = route();
    return now.page === "room" && now.room === props.id;
  };
  const mentions = () => room()?.mentions ?? 0;
  const unread = () => room()?.unread ?? 0;
  const label = () => {
    const parts: string[] = [];
    if (room()?.direct && chat.online(room()!.direct)) parts.push(t().common.online);
    if (mentions()) parts.push(t().rooms.mentions(mentions()));
    if (unread()) parts.push(t().rooms.unread(unread()));
    if (room()?.muted) parts.push(t().rooms.muted);
    return [node() ? `${title()} @${node()}` : title(), ...parts].join(", ");
  };
  const preview = () => {
    const now = room();
    if (!now?.lastText) return "";
    if (chat.blocked(now.lastAuthor)) return t().rooms.blocked;
    const who = now.lastAuthor === chat.me()?.user ? t().common.you : chat.name(now.lastAuthor);
    const text = plain(now.lastText);
    return now.direct && now.lastAuthor === now.direct ? text : t().rooms.last(who, text);
  };
  return (
    <a class="room-link" classList={{ unread: unread() > 0 && room()?.muted !== "all", mentioned: mentions() > 0 }} href={toRoom(props.id)} aria-current={current() ? "page" : undefined}>
      <Show when={room()}>{(r) => <RoomAvatar room={r()} size={38} />}</Show>
      <span class="room-link-main">
        <span class="room-link-line">
          {/* One text for the whole name: pieces beside each other are read with a gap before the comma. */}
          <span class="hidden-text">{label()}</span>
          <span class="room-link-title" dir="auto" aria-hidden="true">
            {title()} <Show when={node()}>
              <span class="node-tag">@{node()}</span>
            </Show>
          </span>
          <Show when={room()?.muted}>
            <Icon name="mute" size={14} />
          </Show>
          <span class="room-link-time" aria-hidden="true">{listTime(locale(), Number(room()?.lastTime ?? 0n))}</span>
        </span>
        <span class="room-link-line" aria-hidden="true">
          <span class="room-link-preview" dir="auto">{preview()}</span>
          <Show when={mentions() > 0}>
            <span class="badge at">@{number(locale(), mentions())}</span>
          </Show>
          <Show when={unread() > 0}>
            <span class="badge">{unread() > 999 ? "999+" : number(locale(), unread())}</span>
          </Show>
        </span>
      </span>
    </a>
  );
}
