import { createEffect, Match, onCleanup, onMount, Show, Suspense, Switch, type JSX } from "solid-js";
import { t } from "../i18n";
import { Banner } from "./Banner";
import { Button } from "./kit/Button";
import { Empty, Skeleton } from "./kit/Empty";
import { late } from "./late";
import { watchMessages } from "./notifications";
import { neighbour } from "./rooms/order";
import { Sidebar } from "./rooms/Sidebar";
import { go, route, toRoom, type Route } from "./route";
import { useChat } from "./state";
import { windows } from "./windows";

// The room is most of the code; it is fetched at once, while the client connects, but nothing waits for it.
const loadRoomPage = () => import("./room/RoomPage");
if (typeof document !== "undefined") void loadRoomPage().catch(() => {}); // asked again when a room is opened
const RoomPage = late(loadRoomPage);
const Settings = late(() => import("./settings/Settings"));
const Admin = late(() => import("./admin/Admin"));
const FindRooms = late(() => import("./rooms/FindRooms"));
const Notices = late(() => import("./Notices"));
const Confirm = late(() => import("./kit/Confirm").then((m) => ({ default: m.Confirm })));
const NewRoom = late(() => import("./rooms/NewRoom"));
const NewConversation = late(() => import("./rooms/NewConversation"));
const Switcher = late(() => import("./rooms/Switcher"));

/** The page of somebody signed in: rooms on the left, what the address names on the right. */
export function Shell(): JSX.Element {
  const chat = useChat();
  const room = (): Extract<Route, { page: "room" }> | undefined => {
    const now = route();
    return now.page === "room" ? now : undefined;
  };

  const total = () => chat.rooms().reduce((sum, r) => sum + (r.membership === "join" && r.muted !== "all" ? (r.muted === "mentions" ? r.mentions : r.unread) : 0), 0);
  createEffect(() => (document.title = total() > 0 ? `(${total()}) ${t().app.name}` : t().app.name));
  onCleanup(watchMessages(chat));
  createEffect(() => route().page === "invite" && go("#/", true)); // signed in already: the invite is for somebody else

  const onKeyDown = (e: KeyboardEvent) => {
    if ((e.ctrlKey || e.metaKey) && !e.altKey && !e.shiftKey && e.key.toLowerCase() === "k") {
      e.preventDefault();
      windows.open(windows.opened() === "switch" ? "" : "switch");
    } else if (e.altKey && !e.ctrlKey && !e.metaKey && (e.key === "ArrowUp" || e.key === "ArrowDown")) {
      const ids = chat.rooms().filter((r) => r.membership === "join");
      const shown = [...ids.filter((r) => !r.direct), ...ids.filter((r) => r.direct)].map((r) => r.room);
      const next = neighbour(shown, room()?.room ?? "", e.key === "ArrowDown" ? 1 : -1);
      if (next) go(toRoom(next));
      e.preventDefault();
    }
  };
  onMount(() => {
    document.addEventListener("keydown", onKeyDown);
    onCleanup(() => document.removeEventListener("keydown", onKeyDown));
  });
  const skip = (e: MouseEvent) => {
    e.preventDefault();
    (document.querySelector<HTMLElement>(".log") ?? document.getElementById("main"))?.focus();
  };

  return (
    <div class="shell" classList={{ "at-home": route().page === "home" }}>
      <a class="skip" href="#main" onClick={skip}>
        {t().app.skip}
      </a>
      <Banner />
      <Suspense>
        <Notices />
      </Suspense>
      <div class="shell-body">
        <Sidebar />
        <div class="shell-main">
          <Suspense fallback={<Skeleton lines={8} avatar />}>
            <Switch fallback={<Home />}>
              <Match when={room()?.room} keyed>
                {(id) => <RoomPage room={id} event={room()?.event ?? ""} />}
              </Match>
              <Match when={route().page === "settings"}>
                <Settings />
              </Match>
              <Match when={route().page === "admin"}>
                <Admin />
              </Match>
              <Match when={route().page === "find"}>
                <FindRooms />
              </Match>
            </Switch>
          </Suspense>
        </div>
      </div>
      <Suspense>
        <Show when={windows.opened() === "newRoom"}>
          <NewRoom onClose={windows.close} />
        </Show>
        <Show when={windows.opened() === "newConversation"}>
          <NewConversation onClose={windows.close} />
        </Show>
        <Show when={windows.opened() === "switch"}>
          <Switcher onClose={windows.close} />
        </Show>
        <Show when={windows.opened() === "signOut"}>
          <Confirm open title={t().rooms.signOutTitle} text={t().rooms.signOutText} action={t().rooms.signOut} onClose={windows.close} onConfirm={() => chat.client.logout().then(() => go("#/", true))} />
        </Show>
      </Suspense>
    </div>
  );
}

function Home(): JSX.Element {
  const chat = useChat();
  return (
    <main class="home" id="main" tabindex="-1">
      <Show
        when={chat.rooms().length > 0}
        fallback={
          <Empty flame title={t().rooms.welcome} hint={t().rooms.welcomeHint}>
            <div class="panel-row">
              <Button look="primary" onClick={() => windows.open("newRoom")}>
                {t().rooms.make}
              </Button>
              <Button onClick={() => go("#/find")}>{t().rooms.look}</Button>
            </div>
          </Empty>
        }
      >
        <Empty flame title={t().rooms.choose} hint={t().rooms.chooseHint} />
      </Show>
    </main>
  );
}
