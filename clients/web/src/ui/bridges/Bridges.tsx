import { createSignal, For, onCleanup, onMount, Show, type JSX } from "solid-js";
import { tb } from "../../i18n/bridges";
import { Button } from "../kit/Button";
import { Empty, Failed, Skeleton } from "../kit/Empty";
import { createLoad } from "../kit/load";
import { useChat } from "../state";
import { AddBridge } from "./AddBridge";
import { BridgeCard } from "./BridgeCard";

const EVERY_MS = 3_000;

/** For administrators: all bridges of the node. */
export default function Bridges(): JSX.Element {
  const chat = useChat();
  const { commands } = chat.client;
  const [adding, setAdding] = createSignal(false);
  const load = createLoad(
    () => true,
    () => commands.adminBridges({}),
  );
  const kinds = createLoad(
    () => true,
    () => commands.adminBridgeKinds({}),
  );
  onMount(() => {
    const timer = setInterval(() => {
      if (document.visibilityState !== "visible" || load.loading()) return;
      load.again();
      if (!kinds.value()?.kinds.length) kinds.again(); // a node that has just started is still looking for its plugins
    }, EVERY_MS);
    onCleanup(() => clearInterval(timer));
  });
  const bridges = () => load.value()?.bridges ?? [];
  const find = (name: string) => bridges().find((b) => b.name === name);
  const kindOf = (kind: string) => kinds.value()?.kinds.find((k) => k.kind === kind);
  return (
    <Show when={load.value() && kinds.value()} fallback={load.error() || kinds.error() ? <Failed text={load.error() || kinds.error()} onRetry={() => (load.again(), kinds.again())} /> : <Skeleton lines={6} />}>
      <section class="stack" aria-label={tb().room.title}>
        <Show when={load.error()}>
          <Failed text={load.error()} onRetry={load.again} />
        </Show>
        <Show when={bridges().length > 0} fallback={<Empty title={tb().none} hint={tb().noneHint} />}>
          <ul class="cards">
            {/* By name: the list is fetched every few seconds, and an open form must stay. */}
            <For each={bridges().map((b) => b.name)}>{(name) => <Show when={find(name)}>{(bridge) => <BridgeCard bridge={bridge()} kind={kindOf(bridge().kind)} onChanged={load.again} />}</Show>}</For>
          </ul>
        </Show>
        <Show when={(kinds.value()?.kinds.length ?? 0) > 0} fallback={<p class="hint">{tb().noKinds}</p>}>
          <Show when={bridges().length === 0 || adding()} fallback={<Button onClick={() => setAdding(true)}>{tb().add}</Button>}>
            <AddBridge kinds={kinds.value()!.kinds} onAdded={() => (setAdding(false), load.again())} />
          </Show>
        </Show>
      </section>
    </Show>
  );
}
