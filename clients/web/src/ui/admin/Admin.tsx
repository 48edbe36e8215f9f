import { createSignal, For, Match, Show, Switch, type JSX } from "solid-js";
import { t } from "../../i18n";
import { Empty } from "../kit/Empty";
import { Page } from "../Page";
import { useChat } from "../state";
import { Health } from "./Health";
import { Invites } from "./Invites";
import { AdminRooms } from "./AdminRooms";
import { Users } from "./Users";

const TABS = ["users", "invites", "rooms", "health"] as const;
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
    <Page title={t().admin.title} wide>
      <Show when={chat.me()?.admin} fallback={<Empty title={t().admin.denied} />}>
        <div class="tabs" role="tablist" aria-label={t().admin.title} onKeyDown={onKeyDown}>
          <For each={TABS}>
            {(name) => (
              <button type="button" role="tab" id={`tab-${name}`} aria-selected={tab() === name} aria-controls="tab-panel" tabindex={tab() === name ? 0 : -1} onClick={() => setTab(name)}>
                {t().admin[name]}
              </button>
            )}
          </For>
        </div>
        <div role="tabpanel" id="tab-panel" aria-labelledby={`tab-${tab()}`}>
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
            <Match when={tab() === "health"}>
              <Health />
            </Match>
          </Switch>
        </div>
      </Show>
    </Page>
  );
}
