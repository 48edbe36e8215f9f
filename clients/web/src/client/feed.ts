// The feed applies what a session brings to everything that is kept of it.
import type { OpenResponse, ServerFrame, Delivery } from "../gen/client_pb";
import type { Item, Profile, RoomSummary, Signal } from "../gen/room_pb";
import type { Blocks } from "./blocks";
import type { Changes } from "./changes";
import { changesMembers, isMessage } from "./kinds";
import type { Nodes } from "./nodes";
import type { Outbox } from "./outbox";
import type { Presence } from "./presence";
import type { Profiles } from "./profiles";
import { mentions, type Rooms } from "./rooms";
import type { Timelines } from "./timelines";

export interface Parts {
  readonly changes: Changes;
  readonly rooms: Rooms;
  readonly timelines: Timelines;
  readonly outbox: Outbox;
  readonly profiles: Profiles;
  readonly presence: Presence;
  readonly blocks: Blocks;
  readonly nodes: Nodes;
  /** The name of who is signed in. */
  user(): string;
  /** The user has joined or left a room. */
  membershipChanged(): void;
  /** Somebody has changed their profile. */
  setProfile(profile: Profile): void;
  /** The room's summary should be asked for again: the stream does not tell all of it. */
  refresh(room: string): void;
}

export class Feed {
  constructor(private readonly parts: Parts) {}

  opened(response: OpenResponse): void {
    const { rooms, timelines, profiles, changes } = this.parts;
    const { gone, setBack } = rooms.replaceAll(response.rooms);
    for (const room of gone) this.left(room);
    for (const room of setBack) timelines.gap(room);
    for (const summary of response.rooms) this.#reached(summary.room);
    profiles.retry();
    profiles.put([response.profile, ...response.rooms.map((summary) => summary.directProfile)]);
    timelines.resume((room) => rooms.get(room));
    changes.emit({ kind: "rooms" });
  }

  frame(frame: ServerFrame): void {
    // Summaries first: one that is as new as the items beside it says that they are
    // counted already.
    for (const summary of frame.rooms) this.summary(summary);
    for (const delivery of frame.deliveries) this.#delivery(delivery);
    for (const signal of frame.signals) this.#signal(signal);
  }

  summary(summary: RoomSummary): void {
    const { rooms, timelines, profiles, changes } = this.parts;
    const { room } = summary;
    const before = rooms.get(room);
    if (rooms.upsert(summary)) {
      profiles.put([summary.directProfile]);
      const joined = before?.membership !== "join" && summary.membership === "join";
      if (joined && timelines.isOpen(room)) timelines.open(room, rooms.get(room), false);
      if (joined) this.parts.membershipChanged();
      if (before?.members !== summary.members || before.role !== summary.role) changes.emit({ kind: "members", room });
    } else {
      this.left(room);
    }
    changes.emit({ kind: "rooms" });
  }

  /** The user has left the room, or was made to. */
  left(room: string): void {
    this.parts.rooms.remove(room);
    this.parts.timelines.remove(room);
    this.parts.outbox.left(room);
    this.parts.membershipChanged();
    this.parts.changes.emit({ kind: "members", room });
    this.parts.changes.emit({ kind: "rooms" });
  }

  #delivery({ room, items, gap }: Delivery): void {
    const { rooms, timelines, changes } = this.parts;
    if (!rooms.get(room)) return; // left just now
    if (gap) {
      timelines.gap(room);
      changes.emit({ kind: "members", room });
      this.parts.refresh(room); // what was skipped was not counted
    }
    for (const item of items) this.#item(room, item);
    this.#reached(room);
    changes.emit({ kind: "rooms" });
  }

  #item(room: string, item: Item): void {
    const { rooms, timelines, outbox, presence, changes } = this.parts;
    const { event } = item;
    const me = this.parts.user();
    if (!event || !rooms.take(room, item, me)) return;
    const own = event.author === me;
    if (isMessage(event)) {
      outbox.delivered(room, event, own);
      presence.setTyping(room, event, false);
      if (!own && !event.silent && !this.parts.blocks.has(event.author)) changes.emit({ kind: "message", room, event, mention: mentions(event, me) });
    }
    timelines.take(room, item);
    if (changesMembers(event)) changes.emit({ kind: "members", room });
    const voided = item.voided.length > 0; // some of them may have been counted, or pinned
    if (changesMembers(event) || event.kind === "settings" || voided) this.parts.refresh(room);
    if (event.kind === "pin" || event.kind === "unpin" || item.target?.pinned || voided) changes.emit({ kind: "pins", room });
  }

  #reached(room: string): void {
    this.parts.outbox.reached(room, this.parts.rooms.cursor(room));
  }

  #signal(signal: Signal): void {
    const { presence, nodes } = this.parts;
    if (signal.kind === "reached") nodes.reached(signal.room, signal.user, signal.pos);
    else if (signal.kind === "bridge") this.parts.changes.emit({ kind: "bridges", room: signal.room });
    else if (signal.kind === "profile" && signal.profile) this.parts.setProfile(signal.profile);
    // One's own other devices type and read as well; that is no news.
    else if (signal.user !== this.parts.user() || signal.kind === "presence") presence.take(signal);
  }
}
