// What signals tell of others: who types, who is here, who has read up to where.
// All of it may be lost on the way, so all of it ends by itself or is told anew.
import type { Ghost, Signal } from "../gen/room_pb";

const TYPING_MS = 7_000; // the node ends it after 6 s; this is for when that signal is lost
const MAX_TYPING = 50; // in one room; nobody reads more names
const MAX_ROOMS = 50; // whose receipts are kept

/** Who types: a user, or somebody beyond a bridge for whom its bot speaks. */
export interface Typist {
  readonly author: string;
  readonly ghost?: Ghost;
}

const nobody: readonly Typist[] = [];
const noReceipts: ReadonlyMap<string, bigint> = new Map();

export class Presence {
  readonly #typing = new Map<string, Map<string, { who: Typist; end: ReturnType<typeof setTimeout> }>>();
  readonly #typists = new Map<string, readonly Typist[]>();
  #online = new Set<string>();
  readonly #receipts = new Map<string, ReadonlyMap<string, bigint>>();

  constructor(private readonly changed: (kind: "typing" | "presence" | "receipts", room: string) => void) {}

  typing(room: string): readonly Typist[] {
    return this.#typists.get(room) ?? nobody;
  }

  online(user: string): boolean {
    return this.#online.has(user);
  }

  receipts(room: string): ReadonlyMap<string, bigint> {
    return this.#receipts.get(room) ?? noReceipts;
  }

  /** Takes a signal about somebody else. */
  take(signal: Signal): void {
    if (signal.kind === "typing") this.setTyping(signal.room, { author: signal.user, ghost: signal.ghost }, signal.on);
    else if (signal.kind === "presence") this.#setOnline(signal.user, signal.on);
    else if (signal.kind === "receipt") this.addReceipts(signal.room, [signal]);
  }

  setTyping(room: string, who: Typist, on: boolean): void {
    const all = this.#typing.get(room) ?? new Map<string, { who: Typist; end: ReturnType<typeof setTimeout> }>();
    const key = who.ghost ? `${who.author}/${who.ghost.id}` : who.author;
    const before = all.get(key);
    if (before === undefined && (!on || all.size >= MAX_TYPING)) return;
    clearTimeout(before?.end);
    if (on) all.set(key, { who, end: setTimeout(() => this.setTyping(room, who, false), TYPING_MS) });
    else all.delete(key);
    if (all.size > 0) this.#typing.set(room, all);
    else this.#typing.delete(room);
    if (on && before !== undefined) return; // goes on: nobody sees a difference
    this.#typists.set(
      room,
      [...all.values()].map((typing) => typing.who),
    );
    this.changed("typing", room);
  }

  /** Who is here, of all members of the rooms that are watched. */
  setOnline(users: readonly string[]): void {
    this.#online = new Set(users);
    this.changed("presence", "");
  }

  addOnline(user: string, on: boolean): void {
    this.#setOnline(user, on);
  }

  addReceipts(room: string, receipts: readonly { user: string; pos: bigint }[]): void {
    const known = new Map(this.receipts(room));
    let news = false;
    for (const { user, pos } of receipts) {
      if (pos <= (known.get(user) ?? -1n)) continue;
      known.set(user, pos);
      news = true;
    }
    if (!news) return;
    this.#receipts.delete(room);
    this.#receipts.set(room, known);
    for (const oldest of this.#receipts.keys()) {
      if (this.#receipts.size <= MAX_ROOMS) break;
      this.#receipts.delete(oldest);
    }
    this.changed("receipts", room);
  }

  /** The connection has gone: nobody is known to type or to be here. */
  reset(): void {
    for (const [room, all] of [...this.#typing]) for (const { who } of [...all.values()]) this.setTyping(room, who, false);
    if (this.#online.size > 0) this.setOnline([]);
  }

  clear(): void {
    this.reset();
    this.#receipts.clear();
    this.#typists.clear();
  }

  #setOnline(user: string, on: boolean): void {
    if (this.#online.has(user) === on) return;
    if (on) this.#online.add(user);
    else this.#online.delete(user);
    this.changed("presence", "");
  }
}
