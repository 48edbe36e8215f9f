import { createMemo, createSignal, For, onCleanup, onMount, Show, type JSX } from "solid-js";
import { tn } from "../../i18n/nodes";
import { attempt, decided } from "../errors";
import { Button } from "../kit/Button";
import { Confirm } from "../kit/Confirm";
import { Failed, Skeleton } from "../kit/Empty";
import { createLoad } from "../kit/load";
import { useChat } from "../state";
import { useRoomView } from "../timeline/view";
import { BanNode } from "./BanNode";
import { NodeItem } from "./NodeItem";

const EVERY_MS = 5_000; // states and round trips change without a signal

/** Which nodes take part in the room, who orders its state, and how far each has got. */
export function RoomNodes(): JSX.Element {
  const chat = useChat();
  const view = useRoomView();
  const { commands } = chat.client;
  const [banning, setBanning] = createSignal<string | null>(null); // "": one that is not listed
  const [demoting, setDemoting] = createSignal("");
  const room = view.room;
  const version = createMemo(() => `${view.summary()?.stateIndex} ${view.summary()?.nodes}`); // a memo: the answer brings a summary, which would ask again
  const load = createLoad(version, () => commands.roomGet({ room }));
  onMount(() => {
    const timer = setInterval(() => document.visibilityState === "visible" && chat.connection().phase === "online" && load.again(), EVERY_MS);
    onCleanup(() => clearInterval(timer));
  });
  const ask = async (command: Promise<{ waiting: boolean }>) => {
    await decided(command);
    load.again();
  };
  const steward = (node: string, on: boolean) => ask(commands.roomSteward({ room, node, on }));
  const names = () => chat.nodes(room).map((node) => node.name);
  const nodeOf = (name: string) => chat.nodes(room).find((node) => node.name === name);
  return (
    <section class="room-nodes" aria-label={tn().room.title}>
      <h3>{tn().room.title}</h3>
      <Show when={names().length > 0} fallback={load.error() ? <Failed text={load.error()} onRetry={load.again} /> : <Skeleton lines={2} />}>
        <Show when={names().length === 1}>
          <p class="hint">{tn().room.alone}</p>
        </Show>
        <ul class="plain-list">
          <For each={names()}>
            {(name) => <NodeItem node={nodeOf(name)} onSteward={(on) => void (on ? attempt(() => steward(name, true)) : setDemoting(name))} onBan={() => setBanning(name)} onUnban={() => void attempt(() => ask(commands.roomNodeBan({ room, node: name, on: false })))} />}
          </For>
        </ul>
        <Show when={view.right("stewards") && names().length > 1}>
          <p class="hint">{tn().room.stewardsHint}</p>
        </Show>
        <Show when={view.right("node_ban")}>
          <Button small look="quiet" onClick={() => setBanning("")}>
            {tn().room.banOther}
          </Button>
        </Show>
      </Show>
      <Show when={banning() !== null}>
        <BanNode node={banning() ?? ""} onClose={() => setBanning(null)} onBan={(node, reason) => ask(commands.roomNodeBan({ room, node, reason, on: true }))} />
      </Show>
      <Confirm open={demoting() !== ""} title={tn().room.removeStewardTitle(demoting())} text={tn().room.removeStewardText} action={tn().room.removeSteward} onClose={() => setDemoting("")} onConfirm={() => steward(demoting(), false)} />
    </section>
  );
}
