import { createMemo, createSignal, createUniqueId, For, Show, type JSX } from "solid-js";
import type { RoomSummary } from "../../gen/room_pb";
import { t } from "../../i18n";
import { tp } from "../../i18n/panels";
import { tn } from "../../i18n/nodes";
import { Button } from "../kit/Button";
import { Empty, Failed, Skeleton } from "../kit/Empty";
import { Field } from "../kit/Field";
import { createDebounced } from "../kit/load";
import { Page } from "../Page";
import { More } from "../kit/More";
import { createPages } from "../kit/pages";
import { go, toRoom } from "../route";
import { roomTitle, useChat } from "../state";
import { windows } from "../windows";
import { nodeName, roomAddress } from "./address";
import { knownNodes, remoteError } from "./remote";
import { RoomAvatar } from "./RoomAvatar";

/** Public rooms of this node or of another one; a room's whole address leads there at once. */
export default function FindRooms(): JSX.Element {
  const chat = useChat();
  const id = createUniqueId();
  const [query, setQuery] = createSignal("");
  const [typed, setTyped] = createSignal("");
  const still = createDebounced(query, 200);
  const stillTyped = createDebounced(typed, 600); // asking another node takes a while: not with each letter
  const address = createMemo(() => roomAddress(query()), undefined, { equals: (a, b) => a?.full === b?.full });
  const node = () => {
    const name = nodeName(stillTyped());
    return name && name !== chat.me()?.node ? name : "";
  };
  const asked = createMemo(() => ({ query: address() ? "" : still().trim(), node: node() }), undefined, { equals: (a, b) => a.query === b.query && a.node === b.node });
  const pages = createPages(asked, async ({ query, node }, after) => {
    try {
      const page = await chat.client.commands.roomFind({ query, node, after, limit: 30 });
      return { items: page.rooms, next: page.next };
    } catch (error) {
      throw Object.assign(new Error(remoteError(error, node)), { code: "asked" });
    }
  });
  return (
    <Page title={tp().find.title}>
      <div class="find-fields">
        <Field label={tp().find.label} hint={tn().find.hint} type="search" value={query()} autocapitalize="none" spellcheck={false} onInput={setQuery} />
        <Field label={tn().find.node} hint={tn().find.nodeHint} list={id} value={typed()} autocapitalize="none" spellcheck={false} placeholder={chat.me()?.node} onInput={setTyped} />
        <datalist id={id}>
          <For each={knownNodes(chat)}>{(name) => <option value={name} />}</For>
        </datalist>
      </div>
      <Show when={address()}>
        {(room) => (
          <ul class="cards">
            <AddressCard room={room().full} node={room().node} />
          </ul>
        )}
      </Show>
      <Show when={!address()}>
        <p class="hint" role="status">
          {pages.loading() && node() ? tn().find.asking(node()) : ""}
        </p>
        <Show when={!pages.error()} fallback={<Failed text={pages.error()} onRetry={pages.again} />}>
          <ul class="cards" aria-busy={pages.loading()}>
            <For each={pages.items()}>{(room) => <FoundRoom room={room} node={node()} />}</For>
          </ul>
          <Show when={pages.loading() && pages.items().length === 0}>
            <Skeleton lines={5} avatar />
          </Show>
          <Show when={!pages.loading() && pages.items().length === 0}>
            <Show
              when={node()}
              fallback={
                <Empty title={tp().find.none} hint={tp().find.noneHint}>
                  <Button look="primary" onClick={() => windows.open("newRoom")}>
                    {t().rooms.newRoom}
                  </Button>
                </Empty>
              }
            >
              <Empty title={tn().find.noneThere(node())} hint={tn().find.noneThereHint} />
            </Show>
          </Show>
          <More of={pages} />
        </Show>
      </Show>
    </Page>
  );
}

/** Joins, and shows that it goes on or why it did not. */
function createJoin(room: () => string, node: () => string) {
  const chat = useChat();
  const [busy, setBusy] = createSignal(false);
  const [error, setError] = createSignal("");
  const join = async () => {
    setBusy(true);
    setError("");
    try {
      go(toRoom((await chat.client.commands.roomJoin({ room: room() })).room));
    } catch (failure) {
      setError(remoteError(failure, node()));
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, join };
}

function AddressCard(props: { room: string; node: string }): JSX.Element {
  const chat = useChat();
  const away = () => (props.node === chat.me()?.node ? "" : props.node);
  const joining = createJoin(() => props.room, away);
  return (
    <li class="card">
      <div class="card-main">
        <span class="card-title">{props.room}</span>
        <Show when={away()}>{(node) => <p class="card-text">{tn().find.byAddress(node())}</p>}</Show>
        <JoinState node={away()} {...joining} />
      </div>
      <Button look="primary" small busy={joining.busy()} aria-label={`${tp().find.join}: ${props.room}`} onClick={() => void joining.join()}>
        {tp().find.join}
      </Button>
    </li>
  );
}

function FoundRoom(props: { room: RoomSummary; node: string }): JSX.Element {
  const chat = useChat();
  const title = () => roomTitle(chat, props.room, t().rooms.unnamed);
  const member = () => (chat.room(props.room.room) ?? props.room).membership === "join";
  // A room that this node has not got yet is known to the other one by its address.
  const joining = createJoin(
    () => (props.node && !chat.room(props.room.room) ? props.room.alias || `${props.room.room}@${props.node}` : props.room.room),
    () => props.node,
  );
  return (
    <li class="card">
      <RoomAvatar room={props.room} size={44} />
      <div class="card-main">
        <span class="card-title">{title()}</span>
        <span class="card-detail">{[props.room.alias, tp().find.members(props.room.members)].filter(Boolean).join(" · ")}</span>
        <p class="card-text" dir="auto">
          {props.room.topic || tp().find.noTopic}
        </p>
        <JoinState node={props.node} {...joining} />
      </div>
      <Button look={member() ? "plain" : "primary"} small busy={joining.busy()} aria-label={`${member() ? tp().find.open : tp().find.join}: ${title()}`} onClick={() => (member() ? go(toRoom(props.room.room)) : void joining.join())}>
        {member() ? tp().find.open : tp().find.join}
      </Button>
    </li>
  );
}

function JoinState(props: { node: string; busy: () => boolean; error: () => string }): JSX.Element {
  return (
    <>
      <p class="hint" role="status">
        {props.busy() && props.node ? t().room.joining(props.node) : ""}
      </p>
      <Show when={props.error()}>
        <p class="field-error" role="alert">
          {props.error()}
        </p>
      </Show>
    </>
  );
}
