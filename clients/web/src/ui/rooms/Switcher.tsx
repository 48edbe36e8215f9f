import { createEffect, createMemo, createSignal, For, on, Show, type JSX } from "solid-js";
import { t } from "../../i18n";
import { Dialog } from "../kit/Dialog";
import { go, toRoom } from "../route";
import { roomTitle, useChat } from "../state";
import { matchesRoom } from "./order";
import { RoomAvatar } from "./RoomAvatar";

/** Ctrl+K: type a little of a name, Enter goes there. */
export default function Switcher(props: { onClose: () => void }): JSX.Element {
  const chat = useChat();
  const [query, setQuery] = createSignal("");
  const [active, setActive] = createSignal(0);
  const found = createMemo(() => {
    const rooms = chat.rooms().filter((r) => r.membership === "join" && matchesRoom(roomTitle(chat, r, t().rooms.unnamed), r, query().trim()));
    return (query().trim() ? rooms : [...rooms].sort((a, b) => b.mentions - a.mentions || Math.sign(b.unread) - Math.sign(a.unread))).slice(0, 12);
  });
  createEffect(on(query, () => setActive(0)));
  const choose = (id: string | undefined) => {
    if (!id) return;
    props.onClose();
    go(toRoom(id));
  };
  const onKeyDown = (e: KeyboardEvent) => {
    const count = found().length;
    if (e.isComposing || count === 0) return;
    if (e.key === "ArrowDown") setActive((active() + 1) % count);
    else if (e.key === "ArrowUp") setActive((active() + count - 1) % count);
    else if (e.key === "Enter") choose(found()[active()]?.room);
    else return;
    e.preventDefault();
  };
  return (
    <Dialog open title={t().rooms.switch} hideHead class="switcher" onClose={props.onClose}>
      <input class="switcher-field" type="text" role="combobox" aria-expanded="true" aria-controls="switcher-list" aria-autocomplete="list" aria-activedescendant={found().length ? `switcher-${active()}` : undefined} aria-label={t().rooms.switchHint} placeholder={t().rooms.switchHint} autofocus value={query()} onInput={(e) => setQuery(e.currentTarget.value)} onKeyDown={onKeyDown} />
      <ul class="switcher-list" id="switcher-list" role="listbox" aria-label={t().rooms.title}>
        <For each={found()}>
          {(room, i) => (
            <li class="suggestion" id={`switcher-${i()}`} role="option" aria-selected={i() === active()} onClick={() => choose(room.room)} onPointerMove={() => setActive(i())}>
              <RoomAvatar room={room} size={26} />
              <span class="suggestion-label" dir="auto">{roomTitle(chat, room, t().rooms.unnamed)}</span>
              <span class="suggestion-detail">{room.direct || room.alias}</span>
              <Show when={room.unread > 0}>
                <span class="badge">{room.unread}</span>
              </Show>
            </li>
          )}
        </For>
      </ul>
      <Show when={found().length === 0}>
        <p class="hint switcher-none">{t().rooms.noMatch}</p>
      </Show>
    </Dialog>
  );
}
