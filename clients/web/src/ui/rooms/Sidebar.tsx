import { createMemo, createSignal, For, Show, Suspense, type JSX } from "solid-js";
import { t } from "../../i18n";
import { Button, IconButton } from "../kit/Button";
import { Empty } from "../kit/Empty";
import { Flame, Icon } from "../kit/Icon";
import { Menu } from "../kit/Menu";
import { late } from "../late";
import { createMedia } from "../media";
import { go, route } from "../route";
import { isStranger, roomTitle, useChat } from "../state";
import { windows } from "../windows";
import { InviteItem } from "./InviteItem";
import { matchesRoom } from "./order";
import { RoomLink } from "./RoomLink";
import { SidebarFoot } from "./SidebarFoot";

const Requests = late(() => import("./Requests"));

export function Sidebar(): JSX.Element {
  const chat = useChat();
  const [filter, setFilter] = createSignal("");
  const narrow = createMedia("(max-width: 720px)"); // there the list is the whole page
  let list: HTMLElement | undefined;

  const joined = createMemo(() => chat.rooms().filter((r) => r.membership === "join"));
  const shown = createMemo(() => joined().filter((r) => matchesRoom(roomTitle(chat, r, t().rooms.unnamed), r, filter().trim())));
  const invites = createMemo(() => chat.rooms().filter((r) => r.membership === "invite" && !isStranger(r)));
  const requests = createMemo(() => chat.rooms().filter(isStranger));
  const [tray, setTray] = createSignal(false);
  const rooms = createMemo(() => shown().filter((r) => !r.direct).map((r) => r.room));
  const people = createMemo(() => shown().filter((r) => r.direct).map((r) => r.room));

  const onKeyDown = (e: KeyboardEvent) => {
    if (e.altKey || (e.key !== "ArrowDown" && e.key !== "ArrowUp")) return;
    const links = [...(list?.querySelectorAll<HTMLElement>("a, .invite button, .tray, .request button") ?? [])];
    const here = links.indexOf(document.activeElement as HTMLElement);
    const next = links[here + (e.key === "ArrowDown" ? 1 : -1)];
    if (!next) return;
    e.preventDefault();
    next.focus();
  };

  return (
    <div class="sidebar" role={narrow() && route().page === "home" ? "main" : "complementary"} aria-label={t().app.name} onKeyDown={onKeyDown}>
      <div class="sidebar-head">
        <Flame size={26} />
        <h1 class="sidebar-name">{t().app.name}</h1>
        <IconButton icon="search" label={`${t().rooms.switch} (Ctrl K)`} onClick={() => windows.open("switch")} />
        <IconButton icon="compass" label={t().rooms.find} onClick={() => go("#/find")} />
        <Menu
          label={t().rooms.menu}
          icon="plus"
          entries={[
            { label: t().rooms.newRoom, icon: "hash", onSelect: () => windows.open("newRoom") },
            { label: t().rooms.newConversation, icon: "people", onSelect: () => windows.open("newConversation") },
            { label: t().rooms.find, icon: "compass", onSelect: () => go("#/find") },
          ]}
        />
      </div>
      <div class="sidebar-filter" role="search">
        <Icon name="search" size={16} />
        <input type="search" aria-label={t().rooms.filter} placeholder={t().rooms.filter} value={filter()} onInput={(e) => setFilter(e.currentTarget.value)} onKeyDown={(e) => e.key === "Escape" && setFilter("")} />
      </div>
      <nav class="sidebar-list" aria-label={t().rooms.title} ref={list}>
        <Show when={invites().length > 0}>
          <h2>{t().rooms.invites}</h2>
          <For each={invites()}>{(room) => <InviteItem room={room} />}</For>
        </Show>
        <Show when={joined().length > 0} fallback={<Empty title={t().rooms.empty} hint={t().rooms.emptyHint} />}>
          <Show when={shown().length === 0}>
            <p class="hint sidebar-hint">{t().rooms.noMatch}</p>
          </Show>
        </Show>
        <Show when={rooms().length > 0}>
          <h2>{t().rooms.title}</h2>
          <For each={rooms()}>{(id) => <RoomLink id={id} />}</For>
        </Show>
        <Show when={people().length > 0}>
          <h2>{t().rooms.people}</h2>
          <For each={people()}>{(id) => <RoomLink id={id} />}</For>
        </Show>
        <Show when={requests().length > 0}>
          <button type="button" class="tray" aria-expanded={tray()} onClick={() => setTray(!tray())}>
            <Icon name="down" size={14} />
            {t().rooms.requests(requests().length)}
          </button>
          <Show when={tray()}>
            <Suspense>
              <Requests rooms={requests()} />
            </Suspense>
          </Show>
        </Show>
      </nav>
      <div class="sidebar-new">
        <Button onClick={() => windows.open("newRoom")}>
          <Icon name="plus" size={16} />
          {t().rooms.newRoom}
        </Button>
      </div>
      <SidebarFoot />
    </div>
  );
}
