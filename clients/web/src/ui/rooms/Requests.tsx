import { createMemo, createSignal, For, Show, type JSX } from "solid-js";
import type { RoomSummary } from "../../gen/room_pb";
import { t } from "../../i18n";
import { tn } from "../../i18n/nodes";
import { attempt } from "../errors";
import { Button } from "../kit/Button";
import { Menu } from "../kit/Menu";
import { notify } from "../kit/Toast";
import { go, toRoom } from "../route";
import { isStranger, nodeOf, useChat } from "../state";

/**
 * Invitations from strangers of other nodes. Nothing that a stranger chose is shown:
 * no picture, no name but the address, not a word of theirs.
 */
export default function Requests(props: { rooms: readonly RoomSummary[] }): JSX.Element {
  const byNode = createMemo(() => {
    const nodes = new Map<string, RoomSummary[]>();
    for (const room of props.rooms) {
      const node = nodeOf(room.invitedBy);
      nodes.set(node, [...(nodes.get(node) ?? []), room]);
    }
    return nodes;
  });
  const of = (node: string) => byNode().get(node) ?? [];
  return (
    <div class="requests">
      <p class="hint">{tn().requests.hint}</p>
      <For each={[...byNode().keys()]}>
        {(node) => (
          <section class="request-node" aria-label={tn().requests.from(node)}>
            <Show when={of(node).length > 1}>
              <DeclineAll node={node} rooms={of(node).map((room) => room.room)} />
            </Show>
            <For each={of(node)}>{(room) => <Request room={room} />}</For>
          </section>
        )}
      </For>
    </div>
  );
}

function DeclineAll(props: { node: string; rooms: readonly string[] }): JSX.Element {
  const chat = useChat();
  const [busy, setBusy] = createSignal(false);
  const decline = async () => {
    setBusy(true);
    const answers = await Promise.allSettled(props.rooms.map((room) => chat.client.commands.roomLeave({ room })));
    const failed = answers.filter((answer) => answer.status === "rejected").length;
    if (failed > 0) notify(tn().requests.someFailed(failed), "error");
    setBusy(false);
  };
  return (
    <div class="request-all">
      <span class="request-from">{tn().requests.from(props.node)}</span>
      <Button small look="quiet" busy={busy()} onClick={() => void decline()}>
        {tn().requests.declineAll(props.rooms.length)}
      </Button>
    </div>
  );
}

function Request(props: { room: RoomSummary }): JSX.Element {
  const chat = useChat();
  const { commands } = chat.client;
  const [busy, setBusy] = createSignal(false);
  const who = () => props.room.invitedBy;
  const text = () => (props.room.direct ? tn().requests.conversation(who()) : tn().requests.room(who()));
  const act = async (work: () => Promise<unknown>) => {
    setBusy(true);
    const done = await attempt(work);
    setBusy(false);
    return done;
  };
  const accept = async () => {
    const { room } = props.room;
    if (await act(() => commands.roomJoin({ room }))) go(toRoom(room));
  };
  const decline = () => commands.roomLeave({ room: props.room.room });
  /** Whom one blocks one answers no further request of. */
  const block = (whom: { user: string } | { node: string }) =>
    void act(async () => {
      await commands.block({ ...whom, on: true });
      const theirs = chat.rooms().filter((room) => isStranger(room) && ("user" in whom ? room.invitedBy === whom.user : nodeOf(room.invitedBy) === whom.node));
      await Promise.all(theirs.map(({ room }) => commands.roomLeave({ room })));
    });
  return (
    <div class="request" role="group" aria-label={text()}>
      <span class="request-text">{text()}</span>
      <div class="invite-actions">
        <Button small busy={busy()} aria-label={`${t().rooms.accept}: ${who()}`} onClick={() => void accept()}>
          {tn().requests.accept}
        </Button>
        <Button small look="quiet" busy={busy()} aria-label={`${t().rooms.decline}: ${who()}`} onClick={() => void act(decline)}>
          {tn().requests.decline}
        </Button>
        <Menu
          label={tn().requests.more(who())}
          disabled={busy()}
          entries={[
            { label: tn().requests.blockUser(who()), icon: "mute", danger: true, onSelect: () => block({ user: who() }) },
            { label: tn().requests.blockNode(nodeOf(who())), icon: "mute", danger: true, onSelect: () => block({ node: nodeOf(who()) }) },
          ]}
        />
      </div>
    </div>
  );
}
