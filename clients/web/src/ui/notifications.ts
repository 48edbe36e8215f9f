import { t } from "../i18n";
import { notifications } from "./preferences";
import { go, route, toRoom } from "./route";
import { roomTitle, type State } from "./state";

/** Desktop notifications for what arrives while one looks elsewhere; returns what stops them. */
export function watchMessages(chat: State): () => void {
  return chat.onMessage(({ room, event, mention }) => {
    if (!notifications() || !("Notification" in window) || Notification.permission !== "granted") return;
    const summary = chat.client.room(room);
    if (!summary || summary.muted === "all" || (summary.muted === "mentions" && !mention)) return;
    const now = route();
    if (document.hasFocus() && now.page === "room" && now.room === room) return;
    const who = event.ghost?.name || chat.client.profile(event.author)?.displayName || event.author;
    const title = roomTitle(chat, summary, t().rooms.unnamed);
    const heading = summary.direct ? who : mention ? t().notify.mention(who, title) : t().notify.message(who, title);
    const note = new Notification(heading, { body: event.text.slice(0, 200), tag: room, icon: "/icon-192.png" });
    note.onclick = () => {
      window.focus();
      go(toRoom(room, event.id));
      note.close();
    };
  });
}
