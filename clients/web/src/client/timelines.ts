// The loaded timelines, of rooms and of threads; the least recently used ones are
// forgotten, so that a long day in many rooms costs no more than a short one.
import type { Item, RoomSummary } from "../gen/room_pb";
import { Timeline, type Hooks } from "./timeline";

const MAX_LOADED = 20;

export class Timelines {
  /** By room and thread, least recently used first. */
  readonly #all = new Map<string, Timeline>();
  /** Rooms on show, the latest last. */
  readonly #open = new Set<string>();

  constructor(private readonly hooks: Hooks) {}

  get(room: string, thread = ""): Timeline {
    const key = `${room} ${thread}`;
    const timeline = this.#all.get(key) ?? new Timeline(room, thread, this.hooks);
    this.#all.delete(key);
    this.#all.set(key, timeline);
    this.#forget();
    return timeline;
  }

  get openRooms(): readonly string[] {
    return [...this.#open];
  }

  isOpen(room: string): boolean {
    return this.#open.has(room);
  }

  /**
   * Puts a room on show: what is loaded if it reaches from the head back to the
   * read position, else the stretch around that, else the newest page. `early`: the
   * user's rooms are not known yet, so it waits for resume().
   */
  open(room: string, summary: RoomSummary | undefined, early: boolean): Timeline {
    this.#open.delete(room);
    this.#open.add(room);
    const timeline = this.get(room);
    if (early) timeline.expect();
    // Who is only invited may read nothing yet; joining opens it again.
    else if (summary?.membership === "invite") timeline.settle();
    else this.#load(timeline, summary);
    return timeline;
  }

  openThread(room: string, thread: string): Timeline {
    const timeline = this.get(room, thread);
    if (timeline.blank) void timeline.jump({});
    return timeline;
  }

  close(room: string): void {
    this.#open.delete(room);
    this.#forget();
  }

  /** A session is open. `summary` finds a room's. */
  resume(summary: (room: string) => RoomSummary | undefined): void {
    for (const timeline of [...this.#all.values()]) {
      if (timeline.expected) this.open(timeline.room, summary(timeline.room), false);
      else timeline.resume();
    }
  }

  take(room: string, item: Item): void {
    for (const timeline of this.#of(room)) timeline.take(item);
  }

  gap(room: string): void {
    for (const timeline of this.#of(room)) timeline.gap();
  }

  /** What is pending in the room has changed. */
  changed(room: string): void {
    for (const timeline of this.#of(room)) timeline.changed();
  }

  /** The user has left the room. */
  remove(room: string): void {
    for (const timeline of this.#of(room)) {
      this.#all.delete(`${room} ${timeline.thread}`);
      timeline.changed(); // whoever shows it reads an empty one now
    }
  }

  clear(): void {
    this.#all.clear();
    this.#open.clear();
  }

  #load(timeline: Timeline, summary: RoomSummary | undefined): void {
    const unread = summary !== undefined && summary.unread > 0;
    timeline.unreadFrom = unread ? summary.readPos : null;
    if (unread ? timeline.covers(summary.readPos) : timeline.atHead) return timeline.changed();
    if (unread && summary.readEvent) void timeline.jump({ around: summary.readEvent }, {});
    else void timeline.jump({});
  }

  #of(room: string): Timeline[] {
    return [...this.#all.values()].filter((timeline) => timeline.room === room);
  }

  #forget(): void {
    for (const [key, timeline] of this.#all) {
      if (this.#all.size <= MAX_LOADED) return;
      if (!this.#open.has(timeline.room)) this.#all.delete(key);
    }
  }
}
