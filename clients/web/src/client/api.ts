// The contract between the headless client (this folder: no DOM, no Solid) and the
// views (src/ui). Views render what is here and call what is here; they keep no
// truth of their own.
import type { RoomNode } from "../gen/client_pb";
import type { Event, Profile, RoomSummary } from "../gen/room_pb";
import type { Typist } from "./presence";

export type Phase = "signed-out" | "connecting" | "online" | "offline";
export type TransportName = "webtransport" | "websocket";

export interface Connection {
  readonly phase: Phase;
  readonly transport: TransportName | null;
  /** Milliseconds since 1970 of the next try, while offline. */
  readonly retryAt: number | null;
  /** Why the last session ended, for people; empty while all is well. */
  readonly reason: string;
}

export interface Me {
  readonly user: string; // alice@node
  readonly device: string;
  readonly admin: boolean;
  readonly node: string;
  readonly profile: Profile;
}

/** A file of a message, uploaded. */
export interface Attachment {
  readonly blob: string;
  readonly name: string;
  readonly size: number; // bytes
  readonly type: string; // found out by the node
  readonly width: number; // pictures: pixels; else 0
  readonly height: number;
}

/** A message of one's own that the node has not acknowledged yet. Survives reload. */
export interface Pending {
  readonly key: string; // idempotency key
  readonly room: string;
  readonly text: string;
  readonly files: readonly Attachment[];
  readonly emote: boolean;
  readonly replyTo: string;
  readonly thread: string;
  readonly time: number;
  readonly state: "waiting" | "sending" | "failed"; // waiting: offline; failed: refused, with `error`
  readonly error: string;
}

/** A loaded, gapless stretch of a room's timeline, oldest first; the head of it unless `moreAfter`. */
export interface Timeline {
  readonly room: string;
  readonly thread: string; // "" for the room itself
  readonly events: readonly Event[];
  readonly pending: readonly Pending[];
  readonly moreBefore: boolean;
  readonly moreAfter: boolean;
  readonly loading: "" | "older" | "newer" | "jump";
  readonly error: string;
  /** read_pos when the room was opened: where the unread line stands; null when all was read. */
  readonly unreadFrom: bigint | null;
}

export interface Send {
  text: string;
  files?: readonly Attachment[];
  emote?: boolean;
  replyTo?: string;
  thread?: string;
}

/** What changed; a view re-reads what it shows. Changes are batched per animation frame or 16 ms. */
export type Change =
  | { kind: "connection" }
  | { kind: "me" }
  | { kind: "rooms" } // list, counts, names
  | { kind: "timeline"; room: string; thread: string }
  | { kind: "typing"; room: string }
  | { kind: "presence" }
  | { kind: "receipts"; room: string }
  | { kind: "profiles" }
  | { kind: "blocks" }
  | { kind: "nodes"; room: string } // which take part, or how far they have got
  | { kind: "bridges"; room: string } // how a bridge of the room is has changed: fetch them again
  | { kind: "pins"; room: string } // a message was pinned or unpinned, or a pinned one changed: fetch pins again
  | { kind: "members"; room: string } // somebody joined, left, changed role: fetch members again
  | { kind: "message"; room: string; event: Event; mention: boolean }; // a new one by somebody else, for notifications

export interface ChatClient {
  readonly connection: Connection;
  readonly me: Me | null;
  subscribe(listener: (changes: readonly Change[]) => void): () => void;

  /** Tries the stored token; resolves when signed in or known to be signed out. */
  start(): Promise<void>;
  login(username: string, password: string): Promise<void>;
  register(r: { username: string; password: string; invite: string; displayName: string }): Promise<void>;
  logout(): Promise<void>;
  reconnectNow(): void;

  rooms(): readonly RoomSummary[]; // joined and invited, most recent first
  room(id: string): RoomSummary | undefined;
  profile(user: string): Profile | undefined; // fetches in the background when unknown, then "profiles"
  typing(room: string): readonly Typist[]; // without oneself
  online(user: string): boolean;
  receipts(room: string): ReadonlyMap<string, bigint>; // user -> pos
  /** Whom one does not want to hear. Changed by commands.block. */
  readonly blocks: { readonly users: ReadonlySet<string>; readonly nodes: ReadonlySet<string> };
  blocked(user: string): boolean; // by name, or with the whole node
  /** The nodes that take part, this one included; empty until commands.roomGet was answered. */
  nodes(room: string): readonly RoomNode[];

  /** The room on show: watches its signals, loads its newest page or the stretch around the unread line. */
  open(room: string): Timeline;
  close(room: string): void;
  timeline(room: string, thread?: string): Timeline;
  openThread(room: string, thread: string): Timeline;
  loadOlder(room: string, thread?: string): Promise<void>;
  loadNewer(room: string, thread?: string): Promise<void>;
  /** Whether the end is what is read, as it is at first: when too much is loaded, the other end is let go. */
  follow(room: string, end: boolean, thread?: string): void;
  jumpTo(room: string, where: { event: string } | { date: number } | "newest"): Promise<void>;

  send(room: string, message: Send): void; // at once into `pending`; sent exactly once, also after a reload
  retry(key: string): void;
  discard(key: string): void;
  setTyping(room: string, on: boolean): void; // call on each key; throttled inside
  markRead(room: string, pos: bigint): void; // throttled inside, never moves back

  draft(room: string, thread?: string): string; // survives reload
  setDraft(room: string, text: string, thread?: string): void;

  /** Any other command of the protocol, typed. Rejects with CommandError. */
  readonly commands: Commands;
  /** POST /blob; resolves to the blob's id. */
  upload(file: Blob): Promise<string>;
  /** POST /file, for a message's `files`; tells how far it is, from 0 to 1. */
  attach(file: File, progress: (part: number) => void, signal: AbortSignal): Promise<Attachment>;
  /** The bytes of a blob, for saving. */
  file(blob: string): Promise<Blob>;
  /** An object URL for a blob, fetched with the token and cached; undefined until there ("profiles" follows). */
  blobUrl(id: string): string | undefined;
}

import type { Client as ClientService } from "../gen/client_pb";
import type { DescMethod, MessageInitShape, MessageShape } from "@bufbuild/protobuf";

type Methods = (typeof ClientService)["method"];
/** client.commands.roomCreate({alias: "garden", public: true}) */
export type Commands = {
  readonly [K in keyof Methods]: Methods[K] extends DescMethod
    ? (request: MessageInitShape<Methods[K]["input"]>) => Promise<MessageShape<Methods[K]["output"]>>
    : never;
};

export class CommandError extends Error {
  constructor(
    readonly code: string, // docs/protocol/client.md section 7; "unreachable" when the node was not reached
    message: string, // one plain sentence
    readonly retry: boolean,
    readonly retryAfterMs: number,
  ) {
    super(message);
  }
}
