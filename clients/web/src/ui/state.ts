// The one place where the headless client meets Solid: every reader tracks a version
// signal, every change bumps the versions it names. The client keeps the truth.
import { batch, createContext, createSignal, onCleanup, useContext, type Signal } from "solid-js";
import type { Change, ChatClient, Connection, Me, Timeline } from "../client/api";
import type { Typist } from "../client/presence";
import type { RoomNode } from "../gen/client_pb";
import type { Event, Ghost, Profile, RoomSummary } from "../gen/room_pb";

export interface State {
  readonly client: ChatClient;
  connection(): Connection;
  me(): Me | null;
  rooms(): readonly RoomSummary[];
  room(id: string): RoomSummary | undefined;
  profile(user: string): Profile | undefined;
  name(user: string): string;
  online(user: string): boolean;
  blocked(user: string): boolean;
  blocks(): ChatClient["blocks"];
  nodes(room: string): readonly RoomNode[];
  typing(room: string): readonly Typist[];
  receipts(room: string): ReadonlyMap<string, bigint>;
  timeline(room: string, thread: string): Timeline;
  blobUrl(id: string): string | undefined;
  /** Rises when a bridge of the room has changed: fetch them again. */
  bridgesVersion(room: string): number;
  /** Rises when the members of the room have changed: fetch them again. */
  membersVersion(room: string): number;
  onMessage(listener: (message: { room: string; event: Event; mention: boolean }) => void): () => void;
}

const keyOf = (change: Change): string => {
  switch (change.kind) {
    case "timeline":
      return `timeline ${change.room} ${change.thread}`;
    case "typing":
    case "receipts":
    case "members":
    case "nodes":
    case "bridges":
      return `${change.kind} ${change.room}`;
    default:
      return change.kind;
  }
};

export function createState(client: ChatClient): State {
  const versions = new Map<string, Signal<number>>();
  const version = (key: string): Signal<number> => {
    let signal = versions.get(key);
    if (!signal) versions.set(key, (signal = createSignal(0)));
    return signal;
  };
  const track = (key: string): number => version(key)[0]();
  const messageListeners = new Set<Parameters<State["onMessage"]>[0]>();

  const stop = client.subscribe((changes) =>
    batch(() => {
      for (const key of new Set(changes.map(keyOf))) versions.get(key)?.[1]((n) => n + 1);
      for (const change of changes)
        if (change.kind === "message") for (const listener of messageListeners) listener(change);
    }),
  );
  onCleanup(stop);

  const profile = (user: string): Profile | undefined => (track("profiles"), client.profile(user));
  return {
    client,
    connection: () => (track("connection"), client.connection),
    me: () => (track("me"), client.me),
    rooms: () => (track("rooms"), client.rooms()),
    room: (id) => (track("rooms"), client.room(id)),
    profile,
    name: (user) => profile(user)?.displayName || localPart(user),
    online: (user) => (track("presence"), client.online(user)),
    blocked: (user) => (track("blocks"), client.blocked(user)),
    blocks: () => (track("blocks"), client.blocks),
    nodes: (room) => (track(`nodes ${room}`), client.nodes(room)),
    typing: (room) => (track(`typing ${room}`), client.typing(room)),
    receipts: (room) => (track(`receipts ${room}`), client.receipts(room)),
    timeline: (room, thread) => (track(`timeline ${room} ${thread}`), client.timeline(room, thread)),
    blobUrl: (id) => (id ? (track("profiles"), client.blobUrl(id)) : undefined),
    bridgesVersion: (room) => track(`bridges ${room}`),
    membersVersion: (room) => track(`members ${room}`),
    onMessage: (listener) => (messageListeners.add(listener), () => messageListeners.delete(listener)),
  };
}

/** Who speaks, as people see it: a user, or a ghost for whom a bridge's bot speaks. */
export interface Speaker {
  readonly id: string; // apart for each ghost
  readonly name: string;
  readonly picture: string | undefined;
  readonly network: string; // a ghost's; "" for users
}

export function speakerOf(state: State, said: { readonly author: string; readonly ghost?: Ghost }): Speaker {
  const { author, ghost } = said;
  if (ghost) return { id: `${author}/${ghost.id}`, name: ghost.name, picture: ghost.avatar || undefined, network: ghost.network };
  return { id: author, name: state.name(author), picture: state.profile(author)?.avatar, network: "" };
}

/** alice of alice@node */
export function localPart(user: string): string {
  const at = user.indexOf("@", 1);
  return at > 0 ? user.slice(0, at) : user;
}

/** node of alice@node */
export function nodeOf(user: string): string {
  return user.slice(user.indexOf("@", 1) + 1);
}

/** The node of a user who lives elsewhere; empty for people of one's own node. */
export function elsewhere(state: State, user: string): string {
  const node = user.indexOf("@", 1) > 0 ? nodeOf(user) : "";
  return node === state.me()?.node ? "" : node;
}

export const StateContext = createContext<State>();

export function useChat(): State {
  const state = useContext(StateContext);
  if (!state) throw new Error("useChat outside of StateContext");
  return state;
}

/** An invitation from somebody unknown: nothing that they chose, name, topic or picture, is put on show. */
export const isStranger = (room: RoomSummary): boolean => room.stranger && room.membership === "invite";

/** What people call a room: its name, the other person of a 1:1 room, or its address. */
export function roomTitle(state: State, room: RoomSummary | undefined, unnamed: string): string {
  if (!room) return unnamed;
  if (isStranger(room)) return unnamed; // what a stranger calls it is not shown before it was asked for
  if (room.direct) return room.directProfile?.displayName || state.name(room.direct);
  return room.name || shortAlias(room.alias, state.me()?.node) || unnamed;
}

/** #garden for a room of one's own node, #garden@other.node for others. */
export function shortAlias(alias: string, node: string | undefined): string {
  return node && alias.endsWith(`@${node}`) ? alias.slice(0, -node.length - 1) : alias;
}
