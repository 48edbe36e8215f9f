import { createSignal, For, Match, Show, Suspense, Switch, type JSX } from "solid-js";
import { ta } from "../../i18n/admin";
import { Empty, Skeleton } from "../kit/Empty";
import { Page } from "../Page";
import { late } from "../late";
import { useChat } from "../state";
import { Health } from "./Health";
import { Invites } from "./Invites";
import { AdminRooms } from "./AdminRooms";
import { Users } from "./Users";

const TABS = ["users", "invites", "rooms", "federation", "bridges", "reports", "health"] as const;
const Federation = late(() => import("./Federation"));
const Bridges = late(() => import("../bridges/Bridges"));
const Reports = late(() => import("./Reports"));
type Tab = (typeof TABS)[number];

export default function Admin(): JSX.Element {
  const chat = useChat();
  const [tab, setTab] = createSignal<Tab>("users");
  const onKeyDown = (e: KeyboardEvent & { currentTarget: HTMLElement }) => {
    const step = e.key === "ArrowRight" ? 1 : e.key === "ArrowLeft" ? -1 : 0;
    if (!step) return;
    e.preventDefault();
    const next = TABS[(TABS.indexOf(tab()) + step + TABS.length) % TABS.length]!;
    setTab(next);
    e.currentTarget.querySelector<HTMLElement>(`#tab-${next}`)?.focus();
  };
  return (
    <Page title={ta().title} wide>
      <Show when={chat.me()?.admin} fallback={<Empty title={ta().denied} />}>
        <div class="tabs" role="tablist" aria-label={ta().title} onKeyDown={onKeyDown}>
          <For each={TABS}>
            {(name) => (
              <button type="button" role="tab" id={`tab-${name}`} aria-selected={tab() === name} aria-controls="tab-panel" tabindex={tab() === name ? 0 : -1} onClick={() => setTab(name)}>
                {ta()[name]}
              </button>
            )}
          </For>
        </div>
        <div role="tabpanel" id="tab-panel" aria-labelledby={`tab-${tab()}`}>
          <Suspense fallback={<Skeleton lines={6} />}>
            <Switch>
              <Match when={tab() === "users"}>
                <Users />
              </Match>
              <Match when={tab() === "invites"}>
                <Invites />
              </Match>
              <Match when={tab() === "rooms"}>
                <AdminRooms />
              </Match>
              <Match when={tab() === "federation"}>
                <Federation />
              </Match>
              <Match when={tab() === "bridges"}>
                <Bridges />
              </Match>
              <Match when={tab() === "reports"}>
                <Reports />
              </Match>
              <Match when={tab() === "health"}>
                <Health />
              </Match>
            </Switch>
          </Suspense>
        </div>
      </Show>
    </Page>
  );
}
