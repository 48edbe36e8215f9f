// What signals tell of others: who types, who is here, who has read up to where.
// All of it may be lost on the way, so all of it ends by itself or is told anew.
import type { Signal } from "../gen/room_pb";

const TYPING_MS = 7_000; // the node ends it after 6 s; this is for when that signal is lost
const MAX_TYPING = 50; // in one room; nobody reads more names
const MAX_ROOMS = 50; // whose receipts are kept

const nobody: readonly string[] = [];
const noReceipts: ReadonlyMap<string, bigint> = new Map();

export class Presence {
  readonly #typing = new Map<string, Map<string, ReturnType<typeof setTimeout>>>();
  readonly #typingNames = new Map<string, readonly string[]>();
  #online = new Set<string>();
  readonly #receipts = new Map<string, ReadonlyMap<string, bigint>>();

  constructor(private readonly changed: (kind: "typing" | "presence" | "receipts", room: string) => void) {}

  typing(room: string): readonly string[] {
    return this.#typingNames.get(room) ?? nobody;
  }

  online(user: string): boolean {
    return this.#online.has(user);
  }

  receipts(room: string): ReadonlyMap<string, bigint> {
    return this.#receipts.get(room) ?? noReceipts;
  }

  /** Takes a signal about somebody else. */
  take(signal: Signal): void {
    if (signal.kind === "typing") this.setTyping(signal.room, signal.user, signal.on);
    else if (signal.kind === "presence") this.#setOnline(signal.user, signal.on);
    else if (signal.kind === "receipt") this.addReceipts(signal.room, [signal]);
  }

  setTyping(room: string, user: string, on: boolean): void {
    const users = this.#typing.get(room) ?? new Map<string, ReturnType<typeof setTimeout>>();
    const before = users.get(user);
    if (before === undefined && (!on || users.size >= MAX_TYPING)) return;
    clearTimeout(before);
    if (on) users.set(user, setTimeout(() => this.setTyping(room, user, false), TYPING_MS));
    else users.delete(user);
    if (users.size > 0) this.#typing.set(room, users);
    else this.#typing.delete(room);
    if (on && before !== undefined) return; // goes on: nobody sees a difference
    this.#typingNames.set(room, [...users.keys()]);
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
    for (const [room, users] of [...this.#typing]) for (const user of [...users.keys()]) this.setTyping(room, user, false);
    if (this.#online.size > 0) this.setOnline([]);
  }

  clear(): void {
    this.reset();
    this.#receipts.clear();
    this.#typingNames.clear();
  }

  #setOnline(user: string, on: boolean): void {
    if (this.#online.has(user) === on) return;
    if (on) this.#online.add(user);
    else this.#online.delete(user);
    this.changed("presence", "");
  }
}
