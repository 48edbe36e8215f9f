import { createMemo, For, Show, type JSX } from "solid-js";
import type { Peer } from "../../gen/client_pb";
import { locale } from "../../i18n";
import { ta } from "../../i18n/admin";
import { dateTime } from "../../i18n/dates";
import { number } from "../../i18n/plural";
import { Menu, type MenuEntry } from "../kit/Menu";

export type PeerAction = "block" | "unblock" | "forget";

/** A line for each peer; on narrow screens a card, with the columns' names inside. */
export function Peers(props: { peers: readonly Peer[]; onAct: (peer: string, action: PeerAction) => void }): JSX.Element {
  const peers = () => [...props.peers].sort((a, b) => (a.name < b.name ? -1 : 1));
  const names = () => peers().map((peer) => peer.name).join("\n");
  const columns = () => [ta().peers.node, ta().peers.state, ta().peers.trip, ta().peers.rooms, ta().peers.behind, ta().peers.since];
  return (
    <table class="peers">
      <thead>
        <tr>
          <For each={columns()}>{(name) => <th scope="col">{name}</th>}</For>
          <td />
        </tr>
      </thead>
      <tbody>
        {/* By name: the list is fetched every few seconds, and an open menu must stay. */}
        <For each={names().split("\n")}>{(name) => <PeerRow peer={peers().find((peer) => peer.name === name)} onAct={props.onAct} />}</For>
      </tbody>
    </table>
  );
}

function PeerRow(props: { peer: Peer | undefined; onAct: (peer: string, action: PeerAction) => void }): JSX.Element {
  const peer = () => props.peer;
  const trip = () => {
    const ms = peer()?.rttMs ?? 0;
    return ms > 0 ? ta().peers.ms(number(locale(), Math.round(ms * 10) / 10)) : "–";
  };
  const behind = () => {
    if (!peer()?.rooms) return "–";
    const n = Number(peer()?.behind ?? 0n);
    return n > 0 ? ta().peers.behindCount(n) : ta().peers.inStep;
  };
  const blocked = createMemo(() => peer()?.blocked ?? false);
  const name = createMemo(() => peer()?.name ?? "");
  const entries = createMemo((): MenuEntry[] => [
    blocked()
      ? { label: ta().peers.unblock, icon: "check", onSelect: () => props.onAct(name(), "unblock") }
      : { label: ta().peers.block, icon: "alert", danger: true, onSelect: () => props.onAct(name(), "block") },
    { label: ta().peers.forget, icon: "trash", danger: true, onSelect: () => props.onAct(name(), "forget") },
  ]);
  const state = () => (peer()?.blocked ? "blocked" : (peer()?.state ?? ""));
  return (
    <Show when={peer()}>
      {(p) => (
        <tr class={`peer-${state()}`}>
          <th scope="row">
            <div class="peer-head">
              <span class="peer-name" dir="ltr" title={[...p().addresses, p().key].join(" · ")}>
                {p().name}
              </span>
              <Show when={p().version}>
                <span class="card-detail">{p().version}</span>
              </Show>
              <Show when={p().error}>
                <span class="field-error">{p().error}</span>
              </Show>
            </div>
          </th>
          <td data-name={ta().peers.state}>
            <span class="peer-state">
              <span class="node-dot" aria-hidden="true" />
              {ta().peers.states[state()] ?? state()}
            </span>
          </td>
          <td data-name={ta().peers.trip}>{trip()}</td>
          <td data-name={ta().peers.rooms}>{number(locale(), p().rooms)}</td>
          <td data-name={ta().peers.behind}>{behind()}</td>
          <td data-name={ta().peers.since}>{p().since > 0n ? dateTime(locale(), Number(p().since)) : "–"}</td>
          <td class="peer-menu">
            <Menu label={ta().peers.actions(p().name)} entries={entries()} />
          </td>
        </tr>
      )}
    </Show>
  );
}
