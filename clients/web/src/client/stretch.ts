// A stretch is a gapless piece of a timeline: pages of history put together, and
// the items of the live stream that fall inside it.
//
// Views of one event come from both sides and may cross on the way. Each is "as of"
// a pos: an item's is its own, a page's is the pos it contains all changes up to.
// A view never replaces one of a later pos, and of equal ones either will do.
import type { HistoryResponse } from "../gen/client_pb";
import type { Event, Item } from "../gen/room_pb";
import { isLine } from "./kinds";

interface Entry {
  event: Event;
  asOf: bigint;
}

/** At most this many events stay loaded; the far end is dropped and can be paged in again. */
export const MAX_EVENTS = 2_000;
const SLACK = 100; // trimmed in portions, not with every event
const QUOTE_CHARACTERS = 200;

export class Stretch {
  moreBefore = false;
  moreAfter = false;
  /** The end is what is read: as more comes, the beginning is let go. */
  followed = true;
  #entries: Entry[] = []; // sorted by compareEvents
  #byId = new Map<string, Entry>();
  #events: readonly Event[] | null = [];

  /** `thread`: id of its first message; "" for a room's main timeline. */
  constructor(readonly thread: string) {}

  /** Oldest first. The same array until something changes. */
  get events(): readonly Event[] {
    return (this.#events ??= this.#entries.map((entry) => entry.event));
  }

  get first(): Event | undefined {
    return this.#entries[0]?.event;
  }

  get last(): Event | undefined {
    return this.#entries[this.#entries.length - 1]?.event;
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  get(id: string): Event | undefined {
    return this.#byId.get(id)?.event;
  }

  /** Starts anew from a page. */
  reset(page: HistoryResponse): void {
    this.#entries = [];
    this.#byId = new Map();
    this.#merge(page, "end");
    this.moreBefore = page.moreBefore;
    this.moreAfter = page.moreAfter;
  }

  /** Adds the page that ends just before `first`. */
  before(page: HistoryResponse): void {
    this.moreBefore = page.moreBefore;
    this.#merge(page, "start");
  }

  /** Adds the page that begins just after `last`. */
  after(page: HistoryResponse): void {
    this.moreAfter = page.moreAfter;
    this.#merge(page, "end");
  }

  /** Takes one item of the stream; false: nothing shown here has changed. `me` still sees what was voided. */
  apply({ event, target, voided }: Item, me = ""): boolean {
    if (!event) return false;
    let changed = false;
    for (const id of voided) changed = this.#void(id, event.pos, me) || changed;
    if (target) changed = this.#replace(target, event.pos);
    if (this.#shows(event)) changed = this.#put(event, event.pos, false) || changed;
    if (changed) this.#trim(this.followed ? "end" : "start");
    return changed;
  }

  #shows(event: Event): boolean {
    return isLine(event) && (event.thread === this.thread || (this.thread !== "" && event.id === this.thread));
  }

  #merge(page: HistoryResponse, keep: "start" | "end"): void {
    for (const event of page.events) this.#put(event, page.pos, true);
    this.#trim(keep);
  }

  /** Inserts or replaces; outside the ends only when a page vouches for what lies between. */
  #put(event: Event, asOf: bigint, paged: boolean): boolean {
    if (this.#byId.has(event.id)) return this.#replace(event, asOf);
    const at = this.#place(event);
    if (!paged && at === 0 && this.moreBefore) return false;
    if (!paged && at === this.#entries.length && this.moreAfter) return false;
    const entry = { event, asOf };
    this.#entries.splice(at, 0, entry);
    this.#byId.set(event.id, entry);
    this.#events = null;
    return true;
  }

  #replace(event: Event, asOf: bigint): boolean {
    const entry = this.#byId.get(event.id);
    if (entry && asOf < entry.asOf) return false;
    const quoted = this.#requote(event);
    if (!entry) return quoted;
    entry.event = event; // its place never changes: order, origin and seq are fixed
    entry.asOf = asOf;
    this.#events = null;
    return true;
  }

  /** The message does not count any more, for anybody; its author is told so. */
  #void(id: string, asOf: bigint, me: string): boolean {
    const entry = this.#byId.get(id);
    if (!entry) return false;
    this.#requote({ ...entry.event, text: "", deleted: true });
    if (entry.event.author === me) {
      entry.event = { ...entry.event, voided: true };
      entry.asOf = asOf;
    } else {
      this.#entries.splice(this.#entries.indexOf(entry), 1);
      this.#byId.delete(id);
    }
    this.#events = null;
    return true;
  }

  /** An answer shows a piece of what it answers: a deleted text must go there too. */
  #requote(original: Event): boolean {
    if (!original.deleted && original.edited === 0n) return false;
    const text = [...original.text].slice(0, QUOTE_CHARACTERS).join("");
    let changed = false;
    for (const entry of this.#entries) {
      const { quote } = entry.event;
      if (quote?.id !== original.id || (quote.text === text && quote.deleted === original.deleted)) continue;
      entry.event = { ...entry.event, quote: { ...quote, text, deleted: original.deleted } };
      changed = true;
    }
    if (changed) this.#events = null;
    return changed;
  }

  /** Where the event belongs, by bisection; nearly always the end. */
  #place(event: Event): number {
    let low = 0;
    let high = this.#entries.length;
    if (high > 0 && compareEvents(this.#entries[high - 1]!.event, event) < 0) return high;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareEvents(this.#entries[middle]!.event, event) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #trim(keep: "start" | "end"): void {
    const over = this.#entries.length - MAX_EVENTS;
    if (over <= SLACK) return;
    const dropped = keep === "start" ? this.#entries.splice(MAX_EVENTS) : this.#entries.splice(0, over);
    if (keep === "start") this.moreAfter = true;
    else this.moreBefore = true;
    for (const { event } of dropped) this.#byId.delete(event.id);
    this.#events = null;
  }
}

/** The order of a timeline: (order, origin, seq), the same on every node. */
export function compareEvents(a: Event, b: Event): number {
  if (a.order !== b.order) return a.order < b.order ? -1 : 1;
  if (a.origin !== b.origin) return a.origin < b.origin ? -1 : 1;
  if (a.seq !== b.seq) return a.seq < b.seq ? -1 : 1;
  return 0;
}
