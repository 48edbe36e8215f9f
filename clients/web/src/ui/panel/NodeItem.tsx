import { createMemo, Show, type JSX } from "solid-js";
import type { RoomNode } from "../../gen/client_pb";
import { locale } from "../../i18n";
import { tn } from "../../i18n/nodes";
import { number } from "../../i18n/plural";
import { Menu, type MenuEntry } from "../kit/Menu";
import { useRoomView } from "../timeline/view";

/** One node of the room: what it is, whether it is there, how far it has got. */
export function NodeItem(props: { node: RoomNode | undefined; onSteward: (on: boolean) => void; onBan: () => void; onUnban: () => void }): JSX.Element {
  const view = useRoomView();
  const node = createMemo<RoomNode>((before) => props.node ?? before!); // on its way out of the list
  const up = () => node().here || node().state === "up";
  const detail = () => {
    const { here, rttMs, behind, members, banned } = node();
    const parts = [up() ? tn().room.up : tn().room.down];
    if (!here && up() && rttMs > 0n) parts.push(tn().room.trip(number(locale(), Number(rttMs))));
    if (!banned) parts.push(tn().room.members(members));
    if (!here && !banned) parts.push(behind > 0n ? tn().room.behind(Number(behind)) : tn().room.inStep);
    return parts.join(" · ");
  };
  const flags = createMemo(
    () => {
      const { steward, home, banned, here } = node();
      return { steward, home, banned, here, stewards: view.right("stewards") && !banned && !view.summary()?.direct, bans: view.right("node_ban") && !here && !home && !steward };
    },
    undefined,
    { equals: (a, b) => JSON.stringify(a) === JSON.stringify(b) }, // the list is fetched every few seconds: an open menu must stay
  );
  const entries = createMemo((): (MenuEntry | null)[] => {
    const list: (MenuEntry | null)[] = [];
    const { steward, home, banned, stewards, bans } = flags();
    if (stewards) {
      if (!steward) list.push({ label: tn().room.addSteward, icon: "shield", onSelect: () => props.onSteward(true) });
      else if (!home) list.push({ label: tn().room.removeSteward, icon: "close", onSelect: () => props.onSteward(false) });
    }
    if (!bans) return list;
    if (banned) list.push({ label: tn().room.unban, icon: "check", onSelect: () => props.onUnban() });
    else list.push({ label: tn().room.ban, icon: "alert", danger: true, onSelect: () => props.onBan() });
    return list;
  });
  return (
    <li class="node-item" classList={{ down: !up() }}>
      <span class="node-dot" aria-hidden="true" />
      <div class="card-main">
        <span class="node-name">
          <span dir="ltr">{node().name}</span>
          <Show when={node().here}>
            <span class="role">{tn().room.here}</span>
          </Show>
          <Show when={node().home} fallback={<Show when={node().steward}><span class="role" title={tn().room.stewardHint}>{tn().room.steward}</span></Show>}>
            <span class="role role-administrator" title={tn().room.homeHint}>
              {tn().room.home}
            </span>
          </Show>
          <Show when={node().banned}>
            <span class="role role-disabled">{tn().room.banned}</span>
          </Show>
        </span>
        <span class="card-detail">{detail()}</span>
        <Show when={node().frozen}>
          <p class="field-error">{tn().room.frozen(node().frozen)}</p>
        </Show>
      </div>
      <Show when={entries().length > 0}>
        <Menu label={tn().room.actions(node().name)} entries={entries()} />
      </Show>
    </li>
  );
}
