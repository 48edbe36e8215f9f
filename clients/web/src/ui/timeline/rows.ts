// Events to rows: grouped by author, divided by days, with the unread line; pure.
import type { Pending, Timeline } from "../../client/api";
import type { Event } from "../../gen/room_pb";
import { dayOf } from "../../i18n/dates";
import { saidAt } from "./sent";

/** Messages of one author within this time stand under one name. */
const GROUP_MS = 5 * 60_000;

interface Base {
  readonly key: string;
  /** A day begins above this row: a time within it; else 0. */
  readonly day: number;
  readonly unread: boolean; // the unread line stands above this row
}
export type MessageRow = Base & { readonly kind: "message"; readonly event: Event; readonly head: boolean };
export type PendingRow = Base & { readonly kind: "pending"; readonly pending: Pending; readonly head: boolean };
export type SystemRow = Base & { readonly kind: "system"; readonly events: readonly Event[] };
export type ThreadRow = Base & { readonly kind: "thread"; readonly thread: string; readonly events: readonly Event[] };
export type StartRow = Base & { readonly kind: "start" };
export type Row = MessageRow | PendingRow | SystemRow | ThreadRow | StartRow;

const HIDDEN = new Set(["edit", "delete", "react", "unreact"]);
const COLLAPSED = new Set(["join", "leave"]);

export const isMessage = (event: Event): boolean => event.kind === "text" || event.kind === "emote";

export function buildRows(timeline: Timeline, me: string): Row[] {
  const builder = new Builder(timeline, me);
  if (!timeline.moreBefore && !timeline.loading && !timeline.error) builder.start();
  for (const event of timeline.events) if (!HIDDEN.has(event.kind) && (!event.voided || event.author === me)) builder.event(event);
  if (!timeline.moreAfter) for (const pending of timeline.pending) builder.pending(pending);
  return builder.rows;
}

class Builder {
  readonly rows: Row[] = [];
  private day = 0;
  private author = "";
  private time = 0;
  private unreadDone: boolean;

  constructor(
    private readonly timeline: Timeline,
    private readonly me: string,
  ) {
    this.unreadDone = timeline.unreadFrom === null;
  }

  start(): void {
    if (!this.timeline.thread) this.rows.push({ kind: "start", key: "start", day: 0, unread: false });
  }

  event(event: Event): void {
    const author = event.ghost ? `${event.author}/${event.ghost.id}` : event.author;
    const base = this.base(event.id, Number(event.time), !this.unreadDone && event.author !== this.me && event.pos > this.timeline.unreadFrom!);
    if (base.unread) this.unreadDone = true;
    if (!isMessage(event)) return this.system(event, base);
    if (!this.timeline.thread && event.thread && event.thread !== event.id) return this.threadReply(event, base);
    const head = base.day > 0 || base.unread || this.author !== author || Math.abs(saidAt(event) - this.time) > GROUP_MS || event.replyTo !== "";
    this.author = event.kind === "emote" ? "" : author;
    this.time = saidAt(event);
    this.rows.push({ ...base, kind: "message", event, head });
  }

  pending(pending: Pending): void {
    const base = this.base(`pending ${pending.key}`, pending.time, false);
    const head = base.day > 0 || this.author !== this.me || pending.time - this.time > GROUP_MS || pending.replyTo !== "";
    this.author = pending.emote ? "" : this.me;
    this.time = pending.time;
    this.rows.push({ ...base, kind: "pending", pending, head });
  }

  private base(key: string, time: number, unread: boolean): Base {
    const day = dayOf(time);
    const begins = day !== this.day;
    this.day = day;
    return { key, day: begins ? time : 0, unread };
  }

  /** Joins and leaves that follow each other become one row. */
  private system(event: Event, base: Base): void {
    this.author = "";
    const last = this.rows[this.rows.length - 1];
    if (COLLAPSED.has(event.kind) && !event.bridge && last?.kind === "system" && COLLAPSED.has(last.events[0]!.kind) && !last.events[0]!.bridge && !base.day && !base.unread)
      this.rows[this.rows.length - 1] = { ...last, events: [...last.events, event] };
    else this.rows.push({ ...base, kind: "system", events: [event] });
  }

  /** In the room itself, replies in a thread are one quiet line each time the thread goes on. */
  private threadReply(event: Event, base: Base): void {
    this.author = "";
    const last = this.rows[this.rows.length - 1];
    if (last?.kind === "thread" && last.thread === event.thread && !base.day && !base.unread)
      this.rows[this.rows.length - 1] = { ...last, events: [...last.events, event] };
    else this.rows.push({ ...base, kind: "thread", thread: event.thread, events: [event] });
  }
}

/** Whether two rows of one key look the same, so that the old one can stay. */
export function sameRow(a: Row, b: Row): boolean {
  if (a.kind !== b.kind || a.day !== b.day || a.unread !== b.unread) return false;
  if (a.kind === "message" && b.kind === "message") return a.event === b.event && a.head === b.head;
  if (a.kind === "pending" && b.kind === "pending") return a.pending === b.pending && a.head === b.head;
  if ((a.kind === "system" && b.kind === "system") || (a.kind === "thread" && b.kind === "thread"))
    return a.events.length === b.events.length && a.events.every((e, i) => e === b.events[i]);
  return true;
}

/** The key of the row that shows this event. */
export function keyOfEvent(rows: readonly Row[], event: string): string | undefined {
  return rows.find((row) => row.key === event || ("events" in row && row.events.some((e) => e.id === event)))?.key;
}

/** The highest position among what a row shows. */
export function rowPos(row: Row): bigint {
  if (row.kind === "message") return row.event.pos;
  if (row.kind === "system" || row.kind === "thread") return row.events.reduce((max, e) => (e.pos > max ? e.pos : max), 0n);
  return 0n;
}
