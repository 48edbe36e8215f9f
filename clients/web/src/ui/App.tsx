import { createSignal, Match, onMount, Suspense, Switch, type JSX } from "solid-js";
import type { ChatClient } from "../client/api";
import { t } from "../i18n";
import { Flame } from "./kit/Icon";
import { Toasts } from "./kit/Toast";
import { late } from "./late";
import { route } from "./route";
import { Shell } from "./Shell";
import { Welcome } from "./signin/Welcome";
import { createState, StateContext } from "./state";

const NodeLink = late(() => import("./NodeLink"));

export function App(props: { client: ChatClient }): JSX.Element {
  const state = createState(props.client);
  const [started, setStarted] = createSignal(false);
  const nodeLink = () => {
    const now = route();
    return now.page === "node" ? now.name : "";
  };
  onMount(() => void props.client.start().finally(() => setStarted(true)));
  return (
    <StateContext.Provider value={state}>
      <Switch>
        <Match when={nodeLink()}>
          {(name) => (
            <Suspense>
              <NodeLink name={name()} />
            </Suspense>
          )}
        </Match>
        <Match when={state.me()}>
          <Shell />
        </Match>
        <Match when={started() && state.connection().phase === "signed-out"}>
          <Welcome />
        </Match>
        <Match when={true}>
          <div class="splash" role="status">
            <Flame size={64} />
            <span class="hidden-text">{t().app.loading}</span>
          </div>
        </Match>
      </Switch>
      <Toasts />
    </StateContext.Provider>
  );
}
