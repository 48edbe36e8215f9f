// A ChatClient without a node: made-up data, real behaviour (paging, pending, typing). Development only.
import { create } from "@bufbuild/protobuf";
import type { Attachment, Change, ChatClient, Commands, Connection, Me, Pending, Timeline } from "../../client/api";
import type { RoomNode } from "../../gen/client_pb";
import { EventSchema, type Event } from "../../gen/room_pb";
import { fakeCommands } from "./commands";
import { counts, id, makeEvents, ME, NODE, profiles, roomNodes, rooms, user } from "./data";

export interface FakeOptions {
  phase: Connection["phase"];
  transport: "webtransport" | "websocket";
  signedOut: boolean;
  admin: boolean;
  traffic: boolean;
  registration: string;
}

const PAGE = 80;
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export class FakeClient implements ChatClient {
  connection: Connection;
  me: Me | null;
  readonly commands: Commands;
  readonly all = new Map<string, Event[]>();
  private readonly listeners = new Set<(changes: readonly Change[]) => void>();
  private readonly timelines = new Map<string, Timeline>();
  private readonly drafts = new Map<string, string>();
  private readonly list = [...rooms].sort((a, b) => Number(b.lastTime - a.lastTime));

  constructor(private readonly options: FakeOptions) {
    const offline = options.phase === "offline";
    this.connection = { phase: options.signedOut ? "signed-out" : options.phase, transport: offline ? null : options.transport, retryAt: offline ? Date.now() + 12_000 : null, reason: "" };
    this.me = options.signedOut ? null : { user: ME, device: "d1", admin: options.admin, node: NODE, profile: profiles.get(ME)! };
    this.commands = fakeCommands(this, options);
    if (options.traffic) setInterval(() => this.arrive(rooms[0]!.room, user(1 + Math.floor(Math.random() * 7)), "Something new at " + new Date().toLocaleTimeString()), 900);
  }

  events(room: string): Event[] {
    let events = this.all.get(room);
    if (!events) this.all.set(room, (events = makeEvents(counts[room] ?? 60, room.charCodeAt(4))));
    return events;
  }
  emit(...changes: Change[]): void {
    for (const listener of this.listeners) listener(changes);
  }
  subscribe(listener: (changes: readonly Change[]) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  async start(): Promise<void> {
    await wait(60);
  }
  async login(username: string, password: string): Promise<void> {
    await wait(300);
    if (password !== "password") throw Object.assign(new Error("The username or the password is wrong."), { code: "unauthenticated" });
    this.me = { user: ME, device: "d1", admin: true, node: NODE, profile: profiles.get(ME)! };
    this.connection = { phase: "online", transport: "webtransport", retryAt: null, reason: username };
    this.emit({ kind: "connection" }, { kind: "me" }, { kind: "rooms" });
  }
  register(r: { username: string; password: string }): Promise<void> {
    return this.login(r.username, "password");
  }
  async logout(): Promise<void> {
    this.me = null;
    this.connection = { phase: "signed-out", transport: null, retryAt: null, reason: "" };
    this.emit({ kind: "connection" }, { kind: "me" });
  }
  reconnectNow(): void {
    this.connection = { phase: "online", transport: this.options.transport, retryAt: null, reason: "" };
    this.emit({ kind: "connection" });
  }
  rooms() {
    return this.list;
  }
  room(roomId: string) {
    return this.list.find((r) => r.room === roomId);
  }
  profile(u: string) {
    return profiles.get(u);
  }
  typing(room: string) {
    return room === rooms[0]!.room ? [{ author: user(1) }, { author: user(5) }] : [];
  }
  online(u: string) {
    return [1, 2, 4, 5].some((i) => user(i) === u);
  }
  receipts(room: string): ReadonlyMap<string, bigint> {
    const top = BigInt(this.events(room).length);
    return new Map([1, 2, 3, 4, 5, 6, 7, 8].map((i) => [user(i), i < 6 ? top : top - 8n]));
  }

  readonly blocks = { users: new Set([user(6)]) as ReadonlySet<string>, nodes: new Set(["spam.example"]) as ReadonlySet<string> };
  blocked(u: string): boolean {
    return this.blocks.users.has(u) || this.blocks.nodes.has(u.slice(u.indexOf("@") + 1));
  }
  nodes(room: string): readonly RoomNode[] {
    return room === rooms[0]!.room ? roomNodes : [];
  }

  open(room: string): Timeline {
    return this.timeline(room);
  }
  close(): void {}
  openThread(room: string, thread: string): Timeline {
    return this.timeline(room, thread);
  }
  timeline(room: string, thread = ""): Timeline {
    const key = `${room} ${thread}`;
    let made = this.timelines.get(key);
    if (!made) {
      const all = this.events(room).filter((e) => !thread || e.thread === thread || e.id === thread);
      const readPos = this.room(room)?.readPos ?? 0n;
      const unread = (this.room(room)?.unread ?? 0) > 0 && !thread;
      made = { room, thread, events: all.slice(-PAGE), pending: [], moreBefore: all.length > PAGE, moreAfter: false, loading: "", error: "", unreadFrom: unread ? readPos : null };
      this.timelines.set(key, made);
    }
    return made;
  }
  private set(room: string, thread: string, change: Partial<Timeline>): void {
    this.timelines.set(`${room} ${thread}`, { ...this.timeline(room, thread), ...change });
    this.emit({ kind: "timeline", room, thread });
  }
  async loadOlder(room: string, thread = ""): Promise<void> {
    const now = this.timeline(room, thread);
    if (now.loading || !now.moreBefore) return;
    this.set(room, thread, { loading: "older" });
    await wait(250);
    const all = this.events(room);
    const first = all.indexOf(this.timeline(room, thread).events[0]!);
    const from = Math.max(0, first - PAGE);
    this.set(room, thread, { loading: "", events: [...all.slice(from, first), ...this.timeline(room, thread).events], moreBefore: from > 0 });
  }
  follow(): void {}
  async loadNewer(room: string, thread = ""): Promise<void> {
    const now = this.timeline(room, thread);
    if (now.loading || !now.moreAfter) return;
    this.set(room, thread, { loading: "newer" });
    await wait(250);
    const all = this.events(room);
    const last = all.indexOf(now.events[now.events.length - 1]!);
    this.set(room, thread, { loading: "", events: [...now.events, ...all.slice(last + 1, last + 1 + PAGE)], moreAfter: last + 1 + PAGE < all.length });
  }
  async jumpTo(room: string, where: { event: string } | { date: number } | "newest"): Promise<void> {
    this.set(room, "", { loading: "jump" });
    await wait(200);
    const all = this.events(room);
    const at = where === "newest" ? all.length : "event" in where ? all.findIndex((e) => e.id === where.event) : all.findIndex((e) => Number(e.time) >= where.date);
    const from = Math.max(0, Math.min(all.length - PAGE, at - PAGE / 2));
    this.set(room, "", { loading: "", events: all.slice(from, from + PAGE), moreBefore: from > 0, moreAfter: from + PAGE < all.length });
  }

  send(room: string, m: { text: string; files?: readonly Attachment[]; emote?: boolean; replyTo?: string; thread?: string }): void {
    const thread = m.thread ?? "";
    const state = this.connection.phase === "offline" ? "waiting" : m.text.includes("fail") ? "failed" : "sending";
    const pending: Pending = { key: crypto.randomUUID(), room, text: m.text, files: m.files ?? [], emote: m.emote ?? false, replyTo: m.replyTo ?? "", thread, time: Date.now(), state, error: state === "failed" ? "You send too fast; wait a moment." : "" };
    this.set(room, thread, { pending: [...this.timeline(room, thread).pending, pending] });
    if (state === "sending")
      setTimeout(() => {
        this.set(room, thread, { pending: this.timeline(room, thread).pending.filter((p) => p.key !== pending.key) });
        this.arrive(room, ME, m.text, { kind: m.emote ? "emote" : "text", thread, replyTo: m.replyTo ?? "" });
      }, 500);
  }
  arrive(room: string, author: string, text: string, more: Partial<Event> = {}): void {
    const all = this.events(room);
    const n = all.length;
    const event = create(EventSchema, { kind: "text", ...more, id: id(n), pos: BigInt(n + 1), order: BigInt(n + 1), author, time: BigInt(Date.now()), text } as Event);
    all.push(event);
    for (const thread of new Set(["", more.thread ?? ""])) if (!this.timeline(room, thread).moreAfter) this.set(room, thread, { events: [...this.timeline(room, thread).events.filter((e) => e.id !== event.id), event] });
    this.emit({ kind: "message", room, event, mention: false });
  }
  replace(room: string, eventId: string, change: Partial<Event>): void {
    const all = this.events(room);
    const at = all.findIndex((e) => e.id === eventId);
    if (at < 0) return;
    const before = all[at]!;
    all[at] = create(EventSchema, { ...before, ...change } as Event);
    for (const timeline of this.timelines.values()) if (timeline.room === room && timeline.events.includes(before)) this.set(room, timeline.thread, { events: timeline.events.map((e) => (e === before ? all[at]! : e)) });
  }
  retry(key: string): void {
    this.discard(key);
  }
  discard(key: string): void {
    for (const timeline of [...this.timelines.values()]) if (timeline.pending.some((p) => p.key === key)) this.set(timeline.room, timeline.thread, { pending: timeline.pending.filter((p) => p.key !== key) });
  }
  setTyping(): void {}
  markRead(room: string, pos: bigint): void {
    (globalThis as { lastRead?: string }).lastRead = `${room.slice(0, 5)} ${pos}`;
  }
  draft(room: string, thread = ""): string {
    return this.drafts.get(`${room} ${thread}`) ?? "";
  }
  setDraft(room: string, text: string, thread = ""): void {
    this.drafts.set(`${room} ${thread}`, text);
  }
  async upload(): Promise<string> {
    return "blob";
  }
  async attach(file: File): Promise<Attachment> {
    return { blob: "blob", name: file.name, size: file.size, type: file.type, width: 0, height: 0 };
  }
  async file(): Promise<Blob> {
    return new Blob(["file"]);
  }
  blobUrl(): string | undefined {
    return undefined;
  }
}
