// The outbox: messages of one's own from the moment they are typed until the node
// has acknowledged them and they have come round in the room's stream.
//
//   queued ──> in flight ──> acknowledged ──> gone (its event has been delivered)
//     ^            │ └── refused for good ──> failed ──> (retry) queued
//     └── broken, or refused for now
//
// Per room one message is in flight at a time, in the order they were typed. Each is
// stored before it is sent and carries its idempotency key, so it may be sent again
// after any break, until the node has answered: the node makes one event of them all.
//
// A message must not be seen twice, nor vanish in between, however the answer and
// the event that comes round are interleaved:
//   1. Answer first: it stays in `pending` until the room's stream has come to the
//      answer's pos, for then its event is on show.
//   2. Event first: an own event that says the same as the oldest message in flight
//      is taken for its echo; the message is hidden. The answer confirms it, or, when
//      it was said the same way on another device, names the right event: see 1.
import type { EventResponse, SendRequest } from "../gen/client_pb";
import { create } from "@bufbuild/protobuf";
import { FileSchema, type Event } from "../gen/room_pb";
import { CommandError, type Pending, type Send } from "./api";
import type { Stored, OutboxStore } from "./outboxstore";

const MAX_MESSAGES = 1_000;
const RETRY_FIRST_MS = 1_000;
const RETRY_LAST_MS = 30_000;

interface Entry {
  message: Stored;
  stage: "queued" | "flight" | "acknowledged" | "failed";
  stored: Promise<unknown>;
  /** It may have reached the node. */
  tried: boolean;
  refusals: number; // for now
  notBefore: number;
  /** The delivered event that is taken for this message; empty: none. */
  echo: string;
  /** Its event and where that is, once acknowledged. */
  event: string;
  pos: bigint;
}

export interface Hooks {
  send(request: Omit<SendRequest, "$typeName" | "$unknown">): Promise<EventResponse>;
  cursor(room: string): bigint;
  changed(room: string): void;
}

export class Outbox {
  #entries: Entry[] = []; // in the order of sending
  #user = "";
  #online = false;
  #lastTime = 0;
  #store: Promise<OutboxStore> | null = null;
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();

  /** `open` opens the store of outbox `id`; it is called when somebody has signed in. */
  constructor(
    private readonly id: string,
    private readonly newKey: () => string,
    private readonly open: () => Promise<OutboxStore>,
    private readonly hooks: Hooks,
  ) {}

  /** Takes up the messages that `user` left behind in a tab that has gone. */
  async start(user: string): Promise<void> {
    if (this.#user !== user) this.#forget();
    this.#user = user;
    const store = await this.#opened();
    const claimed = await store.claim(user, this.#entries.length === 0);
    if (this.#user !== user) return;
    for (const message of claimed) {
      if (!this.#find(message.key)) this.#entries.push(entryOf(message, Promise.resolve(), true));
    }
    this.#entries.sort((a, b) => a.message.time - b.message.time);
    for (const room of this.#rooms()) this.#changed(room);
  }

  /** Signs out here. `erase`: also what is stored. */
  async stop(erase: boolean): Promise<void> {
    const user = this.#user;
    this.#online = false;
    this.#forget();
    this.#user = "";
    if (erase && user) await (await this.#opened()).clear(user);
  }

  setOnline(online: boolean): void {
    this.#online = online;
    for (const room of this.#rooms()) this.#changed(room);
  }

  add(room: string, { text, files = [], emote = false, replyTo = "", thread = "" }: Send): void {
    if (this.#entries.length >= MAX_MESSAGES) {
      throw new CommandError("busy", "Too many messages are waiting to be sent.", true, 0);
    }
    const time = (this.#lastTime = Math.max(Date.now(), this.#lastTime + 1));
    const message = { key: this.newKey(), user: this.#user, outbox: this.id, room, text, files, emote, replyTo, thread, time, error: "" };
    this.#entries.push(entryOf(message, this.#save(message), false));
    this.#changed(room);
  }

  /** Sends a failed message again, after those that wait. */
  retry(key: string): void {
    const entry = this.#find(key);
    if (entry?.stage !== "failed") return;
    entry.stage = "queued";
    entry.message = { ...entry.message, error: "" };
    entry.stored = this.#save(entry.message);
    this.#changed(entry.message.room);
  }

  /** Drops a message that is not being sent just now. */
  discard(key: string): void {
    const entry = this.#find(key);
    if (entry && (entry.stage === "failed" || entry.stage === "queued")) this.#remove(entry);
  }

  pending(room: string, thread: string): readonly Pending[] {
    const seen = this.#entries.filter((e) => e.message.room === room && e.message.thread === thread && !e.echo);
    return seen.map((entry) => this.#pending(entry));
  }

  /** To be called with each event that the room's stream brings; `own`: the user is its author. */
  delivered(room: string, event: Event, own: boolean): void {
    if (!own) return;
    const entries = this.#of(room);
    // What an answer has named needs no guess, and leaves nothing to guess for others.
    if (entries.some((e) => e.stage === "acknowledged" && e.pos === event.pos)) return;
    const echoed = entries.find((e) => !e.echo && e.tried && isUnanswered(e) && says(event, e.message));
    if (!echoed) return;
    echoed.echo = event.id;
    this.hooks.changed(room);
  }

  /** The room's stream has come to `pos`, and what it brought is on show. */
  reached(room: string, pos: bigint): void {
    for (const entry of this.#of(room)) if (entry.stage === "acknowledged" && entry.pos <= pos) this.#drop(entry);
  }

  /** A page of history has brought these: after a gap the stream does not. */
  shown(room: string, events: readonly Event[]): void {
    const waiting = this.#of(room).filter((e) => e.stage === "acknowledged");
    if (waiting.length === 0) return;
    const ids = new Set(events.map((event) => event.id));
    for (const entry of waiting) if (ids.has(entry.event)) this.#drop(entry);
  }

  /** The user has left the room: nothing more will come round in it. */
  left(room: string): void {
    for (const entry of this.#of(room)) if (entry.stage === "acknowledged") this.#drop(entry);
  }

  /** Sends what is next in the room, if it is that one's turn and time. */
  async #pump(room: string): Promise<void> {
    if (!this.#online) return;
    const entries = this.#of(room);
    const next = entries.find((e) => e.stage === "queued");
    if (!next || entries.some((e) => e.stage === "flight")) return;
    const wait = next.notBefore - Date.now();
    if (wait > 0) return this.#later(room, wait);
    next.stage = "flight";
    const user = this.#user;
    await next.stored; // stored first: what is sent must survive the tab
    if (this.#user !== user || next.stage !== "flight") return;
    if (!this.#online) {
      next.stage = "queued";
      return;
    }
    next.tried = true;
    const { key, text, files = [], emote, replyTo, thread } = next.message;
    try {
      const answer = await this.hooks.send({ room, key, text, emote, replyTo, thread, silent: false, files: files.map(({ blob, name }) => create(FileSchema, { blob, name })) });
      if (this.#user === user) this.#acknowledged(next, answer);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      if (this.#user === user) this.#refused(next, error);
    }
  }

  #acknowledged(entry: Entry, { event, pos }: EventResponse): void {
    entry.stage = "acknowledged";
    entry.event = event;
    entry.pos = pos;
    if (entry.echo !== event) entry.echo = ""; // the guess was wrong
    void this.#opened().then((store) => store.delete(entry.message.key)).catch(() => {});
    // What was answered from an earlier try has perhaps long come round.
    if (pos <= this.hooks.cursor(entry.message.room)) this.#drop(entry);
    else this.#changed(entry.message.room);
  }

  #refused(entry: Entry, error: CommandError): void {
    const { room } = entry.message;
    if (error.retry || error.code === "unauthenticated") {
      entry.stage = "queued";
      const delay = Math.min(RETRY_LAST_MS, RETRY_FIRST_MS * 2 ** entry.refusals);
      // A broken connection comes back with setOnline(): the delay is for refusals.
      if (this.#online) {
        entry.refusals = Math.min(entry.refusals + 1, 10);
        entry.notBefore = Date.now() + Math.max(error.retryAfterMs, delay);
      }
    } else {
      entry.stage = "failed";
      entry.echo = "";
      entry.message = { ...entry.message, error: error.message };
      entry.stored = this.#save(entry.message);
    }
    this.#changed(room);
  }

  #pending({ message, stage, notBefore }: Entry): Pending {
    const { key, room, text, files = [], emote, replyTo, thread, time, error } = message;
    const sending = stage !== "queued" || (this.#online && notBefore <= Date.now());
    const state = stage === "failed" ? "failed" : sending ? "sending" : "waiting";
    return { key, room, text, files, emote, replyTo, thread, time, state, error };
  }

  #later(room: string, ms: number): void {
    clearTimeout(this.#timers.get(room));
    this.#timers.set(room, setTimeout(() => this.#changed(room), ms));
  }

  /** Something about the room's messages is another: show it, and go on sending. */
  #changed(room: string): void {
    this.hooks.changed(room);
    void this.#pump(room);
  }

  #save(message: Stored): Promise<unknown> {
    // A full disk must not keep people from talking: then it is sent unstored.
    return this.#opened().then((store) => store.put(message)).catch(() => {});
  }

  #opened(): Promise<OutboxStore> {
    return (this.#store ??= this.open());
  }

  #remove(entry: Entry): void {
    void entry.stored
      .then(() => this.#opened())
      .then((store) => store.delete(entry.message.key))
      .catch(() => {});
    this.#drop(entry);
  }

  #drop(entry: Entry): void {
    this.#entries = this.#entries.filter((e) => e !== entry);
    this.#changed(entry.message.room);
  }

  #forget(): void {
    this.#entries = [];
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  #of(room: string): Entry[] {
    return this.#entries.filter((e) => e.message.room === room);
  }

  #rooms(): Set<string> {
    return new Set(this.#entries.map((e) => e.message.room));
  }

  #find(key: string): Entry | undefined {
    return this.#entries.find((e) => e.message.key === key);
  }
}

function entryOf(message: Stored, stored: Promise<unknown>, tried: boolean): Entry {
  const stage = message.error ? "failed" : "queued";
  return { message, stage, stored, tried, refusals: 0, notBefore: 0, echo: "", event: "", pos: 0n };
}

function isUnanswered({ stage }: Entry): boolean {
  return stage === "flight" || stage === "queued";
}

function says(event: Event, message: Stored): boolean {
  return (
    event.kind === (message.emote ? "emote" : "text") &&
    event.thread === message.thread &&
    event.replyTo === message.replyTo &&
    event.text.trim() === message.text.trim() &&
    event.files.map((f) => f.blob).join() === (message.files ?? []).map((f) => f.blob).join()
  );
}
