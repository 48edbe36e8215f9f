import type { Event } from "../../gen/room_pb";
import { t } from "../../i18n";
import { attempt, copyText } from "../errors";
import type { MenuEntry } from "../kit/Menu";
import { rememberEmoji } from "../preferences";
import { toRoom } from "../route";
import { useChat } from "../state";
import { useHover } from "./hover";
import { useRoomView } from "./view";

export const newKey = (): string => crypto.randomUUID();

/** What can be done with a message, and by whom. */
export function useMessageActions() {
  const chat = useChat();
  const view = useRoomView();
  const hover = useHover();
  const { commands } = chat.client;
  const { room } = view;

  const own = (event: Event) => event.author === chat.me()?.user;
  const can = {
    react: () => view.right("react"),
    reply: () => view.right("say"),
    thread: () => view.right("say") && !view.thread,
    edit: (event: Event) => own(event) && view.right("edit_own"),
    delete: (event: Event) => (own(event) && view.right("delete_own")) || view.right("delete_any"),
    pin: () => view.right("pin"),
  };

  const react = (event: Event, emoji: string, on: boolean) => {
    if (on) rememberEmoji(emoji);
    return attempt(() => commands.react({ room, event: event.id, emoji, on, key: newKey() }));
  };
  const reply = (event: Event) => {
    view.setMode({ kind: "reply", event });
    view.focusComposer();
  };
  const edit = (event: Event) => {
    view.setMode({ kind: "edit", event });
    view.focusComposer();
  };
  const thread = (event: Event) => view.openThread(event.thread || event.id);
  const pin = (event: Event) => attempt(() => commands.pin({ room, event: event.id, on: !event.pinned, key: newKey() }));
  const link = (event: Event) => copyText(new URL(toRoom(room, event.id), location.href).href, t().actions.linkCopied);

  const entries = (event: Event): (MenuEntry | null)[] => {
    const text = t().actions;
    const list: (MenuEntry | null)[] = [];
    if (can.react()) list.push({ label: text.react, icon: "smile", onSelect: () => afterMenu(() => hover.show(event.id, "emoji")) });
    if (can.reply()) list.push({ label: text.reply, icon: "reply", onSelect: () => afterMenu(() => reply(event)) });
    if (can.thread()) list.push({ label: text.thread, icon: "thread", onSelect: () => thread(event) });
    if (can.edit(event)) list.push({ label: text.edit, icon: "edit", onSelect: () => afterMenu(() => edit(event)) });
    if (list.length > 0) list.push(null);
    if (can.pin()) list.push({ label: event.pinned ? text.unpin : text.pin, icon: "pin", onSelect: () => void pin(event) });
    list.push({ label: text.copyText, icon: "copy", onSelect: () => void copyText(event.text, text.textCopied) });
    list.push({ label: text.copyLink, icon: "link", onSelect: () => void link(event) });
    if (!own(event)) {
      list.push(null, { label: text.about(chat.name(event.author)), icon: "people", onSelect: () => view.setAsk({ kind: "person", user: event.author }) });
      list.push({ label: text.report, icon: "alert", onSelect: () => view.setAsk({ kind: "report", event }) });
    }
    if (can.delete(event)) list.push(null, { label: text.delete, icon: "trash", danger: true, onSelect: () => view.setAsk({ kind: "delete", event }) });
    return list;
  };

  return { can, react, reply, thread, edit, entries };
}

/** A closing menu gives the focus back to its button; what moves it comes after that. */
function afterMenu(work: () => void): void {
  setTimeout(work, 80);
}
