// A timeline is a stretch with its loading: pages asked for, the live items that
// come while a page is on its way, and what went wrong.
import { CommandError, type Timeline as Snapshot } from "./api";
import type { HistoryResponse } from "../gen/client_pb";
import type { Item } from "../gen/room_pb";
import { Stretch } from "./stretch";

const PAGE = 100;
const MAX_MEANWHILE = 1_000; // items kept while a page is on its way

/** Where to jump: the newest when empty. */
export interface Where {
  around?: string;
  date?: bigint;
}

export interface Query extends Where {
  room: string;
  thread: string;
  before?: string;
  after?: string;
  limit: number;
}

export interface Hooks {
  history(query: Query): Promise<HistoryResponse>;
  pending(room: string, thread: string): Snapshot["pending"];
  /** Who reads: only the author is shown what was voided. */
  user(): string;
  /** A page was put on show. */
  shown(room: string, page: HistoryResponse): void;
  changed(room: string, thread: string): void;
}

export class Timeline {
  unreadFrom: bigint | null = null;
  /** Nothing was ever loaded, or asked for. */
  blank = true;
  /** expect() was called, and no jump has followed yet. */
  expected = false;

  readonly #stretch: Stretch;
  #loading: Snapshot["loading"] = "";
  #error = "";
  #loaded = false;
  /** Where a jump leads that is under way, or failed for want of a connection. */
  #wanted: Where | null = null;
  /** Rises with each jump: answers to older questions are thrown away. */
  #generation = 0;
  /** What the stream brought since the page under way was asked for; null: none is. */
  #meanwhile: Item[] | null = null;
  #snapshot: Snapshot | null = null;

  constructor(
    readonly room: string,
    readonly thread: string,
    private readonly hooks: Hooks,
  ) {
    this.#stretch = new Stretch(thread);
  }

  snapshot(): Snapshot {
    return (this.#snapshot ??= {
      room: this.room,
      thread: this.thread,
      events: this.#stretch.events,
      pending: this.hooks.pending(this.room, this.thread),
      moreBefore: this.#stretch.moreBefore,
      moreAfter: this.#stretch.moreAfter,
      loading: this.#loading,
      error: this.#error,
      unreadFrom: this.unreadFrom,
    });
  }

  /** Something in the snapshot is another one. */
  changed(): void {
    this.#snapshot = null;
    this.hooks.changed(this.room, this.thread);
  }

  /** Whether it is loaded up to the head, and back to `pos` at least. */
  covers(pos: bigint): boolean {
    if (!this.#loaded || this.#stretch.moreAfter) return false;
    return !this.#stretch.moreBefore || this.#stretch.events.some((event) => event.pos <= pos);
  }

  has(event: string): boolean {
    return this.#loaded && this.#stretch.has(event);
  }

  /** Whether the end is what is read. */
  follow(end: boolean): void {
    this.#stretch.followed = end;
  }

  get atHead(): boolean {
    return this.#loaded && !this.#stretch.moreAfter;
  }

  /** Shows that a jump will follow as soon as it is known where to. */
  expect(): void {
    this.blank = false;
    this.expected = true;
    this.#loading = "jump";
    this.changed();
  }

  /**
   * Replaces what is loaded by the page there; what was loaded stays to be seen
   * until then, and for good when it fails. `otherwise` is tried where there is nothing.
   */
  async jump(where: Where, otherwise?: Where): Promise<void> {
    this.#wanted = where;
    const ok = await this.#load("jump", where, (page) => {
      this.#stretch.reset(page);
      this.#loaded = true;
      this.#wanted = null;
    });
    if (ok instanceof CommandError && !ok.retry) {
      this.#wanted = null;
      if (otherwise) await this.jump(otherwise);
    }
  }

  async older(): Promise<void> {
    const first = this.#stretch.first;
    if (this.#loading || !this.#stretch.moreBefore || !first) return;
    await this.#load("older", { before: first.id }, (page) => this.#stretch.before(page));
  }

  async newer(): Promise<void> {
    const last = this.#stretch.last;
    if (this.#loading || !this.#stretch.moreAfter || !last) return;
    await this.#load("newer", { after: last.id }, (page) => this.#stretch.after(page));
  }

  /** Takes one item of the room's stream. */
  take(item: Item): void {
    if (this.#meanwhile) {
      // Too far behind to catch up by items: start over from the page that matters.
      if (this.#meanwhile.length >= MAX_MEANWHILE) return this.gap();
      this.#meanwhile.push(item);
    }
    if (!this.#loaded) return;
    // What was voided and is no line here may be an edit or a reaction of one that is: only the node knows how that stands now.
    const stale = item.voided.some((id) => !this.#stretch.has(id));
    if (this.#stretch.apply(item, this.hooks.user())) this.changed();
    if (stale) this.gap();
  }

  /** Items were skipped: what is loaded may be wrong anywhere. Loads the same place anew. */
  gap(): void {
    if (this.blank) return;
    if (this.#wanted) return void this.jump(this.#wanted);
    if (!this.#loaded) return;
    const { events, moreAfter } = this.#stretch;
    const middle = events[events.length >> 1];
    void this.jump(moreAfter && middle ? { around: middle.id } : {});
  }

  /** Nothing is on its way after all. */
  settle(): void {
    this.expected = false;
    this.#loading = "";
    this.changed();
  }

  /** The connection is back: does what failed without it. */
  resume(): void {
    if (this.#wanted && !this.#loading) void this.jump(this.#wanted);
    else if (this.#error) {
      this.#error = "";
      this.changed();
    }
  }

  async #load(
    loading: "older" | "newer" | "jump",
    where: Omit<Query, "room" | "thread" | "limit">,
    use: (page: HistoryResponse) => void,
  ): Promise<true | CommandError> {
    const generation = ++this.#generation;
    this.blank = false;
    this.expected = false;
    this.#loading = loading;
    this.#error = "";
    this.#meanwhile = [];
    this.changed();
    let outcome: true | CommandError = true;
    let page: HistoryResponse | null = null;
    try {
      page = await this.hooks.history({ room: this.room, thread: this.thread, limit: PAGE, ...where });
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      outcome = error;
    }
    if (generation !== this.#generation) return true; // a later jump has taken over
    if (page) {
      use(page);
      // Those up to page.pos are in the page; apply() sees that by their pos for
      // events that are there, and those that are not lie outside.
      for (const item of this.#meanwhile) if (item.event && item.event.pos > page.pos) this.#stretch.apply(item, this.hooks.user());
    } else if (outcome instanceof CommandError) {
      this.#error = outcome.message;
    }
    this.#loading = "";
    this.#meanwhile = null;
    if (page) this.hooks.shown(this.room, page);
    this.changed();
    return outcome;
  }
}
