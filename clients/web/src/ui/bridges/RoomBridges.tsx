import { createMemo, createSignal, For, Show, type JSX } from "solid-js";
import type { RoomBridge } from "../../gen/client_pb";
import type { Ghost } from "../../gen/room_pb";
import { tb } from "../../i18n/bridges";
import { attempt } from "../errors";
import { Avatar } from "../kit/Avatar";
import { Button } from "../kit/Button";
import { Menu, type MenuEntry } from "../kit/Menu";
import { createLoad } from "../kit/load";
import { go, toRoom } from "../route";
import { localPart, useChat } from "../state";
import { useRoomView } from "../timeline/view";
import { BridgeState } from "./BridgeState";

const PAGE = 50;

/** What the room is joined to on other networks, how that stands, and who is there. */
export function RoomBridges(): JSX.Element {
  const chat = useChat();
  const view = useRoomView();
  const source = createMemo(() => `${chat.bridgesVersion(view.room)} ${view.summary()?.stateIndex}`);
  const load = createLoad(source, () => chat.client.commands.roomBridges({ room: view.room, limit: PAGE }));
  const bridges = () => load.value()?.bridges ?? [];
  return (
    <Show when={bridges().length > 0}>
      <section class="room-bridges" aria-label={tb().room.title}>
        <h3>{tb().room.title}</h3>
        <For each={bridges().map((b) => b.user)}>{(user) => <Show when={bridges().find((b) => b.user === user)}>{(bridge) => <RoomBridgeItem bridge={bridge()} onChanged={load.again} />}</Show>}</For>
      </section>
    </Show>
  );
}

function RoomBridgeItem(props: { bridge: RoomBridge; onChanged: () => void }): JSX.Element {
  const chat = useChat();
  const view = useRoomView();
  const [more, setMore] = createSignal<readonly Ghost[]>([]);
  const bridge = () => props.bridge;
  const roster = () => [...bridge().roster, ...more()];
  const fetchMore = () =>
    attempt(async () => {
      const answer = await chat.client.commands.roomBridges({ room: view.room, user: bridge().user, from: roster().length, limit: PAGE });
      setMore([...more(), ...(answer.bridges[0]?.roster ?? [])]);
    });
  const mute = (ghost: Ghost, on: boolean) => void attempt(() => chat.client.commands.adminBridgeMute({ name: localPart(bridge().user), room: view.room, ghost: ghost.id, on })).then(props.onChanged);
  const write = (ghost: Ghost) =>
    void attempt(async () => {
      const answer = await chat.client.commands.bridgePrivate({ name: localPart(bridge().user), ghost: ghost.id });
      go(toRoom(answer.room));
    });
  const entries = (ghost: Ghost): MenuEntry[] => {
    const list: MenuEntry[] = [];
    const muted = bridge().muted.includes(ghost.id);
    if (bridge().private) list.push({ label: tb().room.write(ghost.name), icon: "send", onSelect: () => write(ghost) });
    if (chat.me()?.admin && bridge().own) list.push({ label: muted ? tb().room.unmute(ghost.name) : tb().room.mute(ghost.name), icon: muted ? "check" : "mute", onSelect: () => mute(ghost, !muted) });
    return list;
  };
  return (
    <div class="room-bridge">
      <p class="card-title" dir="auto">
        {tb().room.to(bridge().place)}
      </p>
      <BridgeState status={bridge().status} />
      <Show when={Number(bridge().status?.queue ?? 0n) > 0}>
        <p class="hint">{tb().room.waiting(Number(bridge().status!.queue))}</p>
      </Show>
      <Show when={bridge().here > 0}>
        <details class="bridge-more">
          <summary>{tb().room.here(bridge().here)}</summary>
          <ul class="plain-list roster" aria-label={tb().room.roster(bridge().place)}>
            <For each={roster()}>
              {(ghost) => {
                const muted = () => bridge().muted.includes(ghost.id);
                return (
                  <li class="member">
                    <Avatar id={`${bridge().user}/${ghost.id}`} name={ghost.name} blob={ghost.avatar || undefined} size={24} />
                    <span class="member-main">
                      <span class="member-name" title={[ghost.realName, ghost.id].filter(Boolean).join(" · ")}>
                        {ghost.name} <Show when={ghost.rank}><span class="node-tag">{tb().room.ranks[ghost.rank] ?? ghost.rank}</span></Show> <Show when={muted()}><span class="node-tag">{tb().room.muted}</span></Show>
                      </span>
                      <Show when={ghost.away}>
                        <span class="hint" dir="auto">
                          {tb().room.away(ghost.away)}
                        </span>
                      </Show>
                    </span>
                    <Show when={entries(ghost).length > 0}>
                      <Menu label={tb().actions(ghost.name)} entries={entries(ghost)} />
                    </Show>
                  </li>
                );
              }}
            </For>
          </ul>
          <Show when={roster().length < bridge().here}>
            <Button small look="quiet" onClick={() => void fetchMore()}>
              {tb().room.more}
            </Button>
          </Show>
        </details>
      </Show>
    </div>
  );
}
