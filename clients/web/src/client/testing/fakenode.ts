// A node in memory that speaks the real frames: enough of one to test the client
// against. What the network does wrong is up to the test (FakeNetwork).
import { create, fromBinary, toBinary, type DescMethodUnary, type MessageInitShape } from "@bufbuild/protobuf";
import {
  Client,
  ClientFrameSchema,
  ErrorSchema,
  HistoryResponseSchema,
  ServerFrameSchema,
  type HistoryRequest,
  type OpenRequest,
  type Request,
  type SendRequest,
} from "../../gen/client_pb";
import { EventSchema, ItemSchema, ReactionSchema, RoomSummarySchema, type Event, type Item, type RoomSummary } from "../../gen/room_pb";

export const HEARTBEAT_SECONDS = 15;

type FrameInit = MessageInitShape<typeof ServerFrameSchema>;
interface Refusal {
  refused: MessageInitShape<typeof ErrorSchema>;
}
type Answer = object | Refusal;

interface FakeRoom {
  id: string;
  items: Item[]; // in order of pos, from 1
  now: Map<string, Event>; // the messages as they stand now
  readPos: Map<string, bigint>;
  answers: Map<string, object>; // by user and key
}

/** One session as the node sees it. */
export class FakeSession {
  user = "";
  closed = false;
  cursors = new Map<string, bigint>();
  constructor(
    readonly node: FakeNode,
    private readonly write: (frame: Uint8Array<ArrayBuffer>) => void,
    readonly hangUp: () => void,
  ) {}

  send(frame: FrameInit): void {
    if (!this.closed) this.write(toBinary(ServerFrameSchema, create(ServerFrameSchema, frame)) as Uint8Array<ArrayBuffer>);
  }

  receive(bytes: Uint8Array): void {
    const frame = fromBinary(ClientFrameSchema, bytes);
    this.node.log.push(...frame.requests.map((r) => r.command), ...(frame.ping ? ["ping"] : []), ...(frame.pong ? ["pong"] : []));
    if (frame.ping && !this.node.silent) this.send({ pong: true });
    for (const request of frame.requests) this.node.handle(this, request);
  }

  close(): void {
    this.closed = true;
    this.node.sessions.delete(this);
  }
}

export class FakeNode {
  readonly rooms = new Map<string, FakeRoom>();
  readonly tokens = new Map<string, string>();
  readonly sessions = new Set<FakeSession>();
  /** Every command and heartbeat that came in. */
  log: string[] = [];
  hello: OpenRequest | null = null;
  /** Answers no ping. */
  silent = false;
  certificateHashes: string[] = [];
  /** Replaces the answer to a command. "silence": none at all. */
  override: ((command: string, session: FakeSession) => Answer | "silence" | undefined) | null = null;
  /** Whether the own event is delivered before the answer that names it. */
  deliverFirst = false;
  /** Milliseconds from working out the answer to a command to sending it. */
  readonly answerAfter: Record<string, number> = {};
  #order = 1000n;

  constructor() {
    this.tokens.set("token-alice", "alice@n");
  }

  addRoom(id: string): FakeRoom {
    const room: FakeRoom = { id, items: [], now: new Map(), readPos: new Map(), answers: new Map() };
    this.rooms.set(id, room);
    return room;
  }

  /** Says something in a room, as anybody, and tells everybody. */
  say(room: string, author: string, text: string, more: MessageInitShape<typeof EventSchema> = {}): Event {
    return this.#append(room, author, { kind: "text", text, ...more });
  }

  /** Appends an event; edits and deletes change their target as a node does. */
  act(room: string, author: string, event: MessageInitShape<typeof EventSchema>): Event {
    return this.#append(room, author, event);
  }

  summary(id: string, user: string): RoomSummary {
    const room = this.rooms.get(id)!;
    const readPos = room.readPos.get(user) ?? 0n;
    const said = room.items.map((item) => item.event!).filter((e) => (e.kind === "text" || e.kind === "emote") && !e.silent);
    const unread = said.filter((e) => e.pos > readPos && e.author !== user);
    const last = said.at(-1);
    return create(RoomSummarySchema, {
      room: id,
      name: id,
      membership: "join",
      headPos: BigInt(room.items.length),
      readPos,
      readEvent: readPos > 0n ? room.items[Number(readPos) - 1]!.event!.id : "",
      unread: unread.length,
      mentions: unread.filter((e) => e.mentionRoom || e.mentions.includes(user)).length,
      lastTime: last?.time ?? 0n,
      lastText: last?.text ?? "",
      lastAuthor: last?.author ?? "",
    });
  }

  /** What a room's history is, in full: the truth that tests compare with. */
  timeline(id: string, thread = ""): Event[] {
    const lines = [...this.rooms.get(id)!.now.values()].filter((e) => e.thread === thread || (thread && e.id === thread));
    return lines.sort((a, b) => (a.order < b.order ? -1 : 1));
  }

  handle(session: FakeSession, request: Request): void {
    const method = Object.values(Client.method as Record<string, DescMethodUnary>).find((m) => m.name === request.command)!;
    const body = fromBinary(method.input, request.body);
    const answer = this.override?.(request.command, session) ?? this.#answer(session, request.command, body);
    if (answer === "silence") return;
    if (this.deliverFirst) this.deliver();
    const reply = isRefusal(answer)
      ? { id: request.id, error: answer.refused }
      : { id: request.id, body: toBinary(method.output, create(method.output, answer as Record<string, unknown>)) };
    const delay = this.answerAfter[request.command];
    if (delay) setTimeout(() => session.send({ replies: [reply] }), delay);
    else session.send({ replies: [reply] });
    this.deliver();
  }

  /** Sends each session what it does not have yet. */
  deliver(): void {
    for (const session of this.sessions) {
      const deliveries = [];
      for (const [room, cursor] of session.cursors) {
        const items = this.rooms.get(room)!.items.slice(Number(cursor)).map((item) => this.view(room, item));
        if (items.length === 0) continue;
        deliveries.push({ room, items });
        session.cursors.set(room, items.at(-1)!.event!.pos);
      }
      if (deliveries.length > 0) session.send({ deliveries });
    }
  }

  /** An item with its messages as they stand now. */
  view(room: string, item: Item): Item {
    const now = this.rooms.get(room)!.now;
    return create(ItemSchema, { event: now.get(item.event!.id) ?? item.event, target: item.event!.target ? now.get(item.event!.target) : undefined });
  }

  #append(id: string, author: string, init: MessageInitShape<typeof EventSchema>): Event {
    const room = this.rooms.get(id)!;
    const pos = BigInt(room.items.length + 1);
    const event = create(EventSchema, {
      id: `${id}-${pos}`,
      pos,
      author,
      time: BigInt(Date.now()),
      order: ++this.#order,
      origin: "n",
      seq: pos,
      ...init,
    });
    const target = room.now.get(event.target);
    if (target) room.now.set(target.id, changed(target, event));
    else room.now.set(event.id, event);
    room.items.push(create(ItemSchema, { event }));
    if (author && event.kind === "text") room.readPos.set(author, pos);
    this.deliver();
    return event;
  }

  #answer(session: FakeSession, command: string, body: object): Answer {
    const handlers: Record<string, () => Answer> = {
      Open: () => this.#open(session, body as OpenRequest),
      Send: () => this.#send(session, body as SendRequest),
      History: () => this.#history(body as HistoryRequest),
      Read: () => {
        const { room, pos } = body as { room: string; pos: bigint };
        this.rooms.get(room)!.readPos.set(session.user, pos);
        return {};
      },
      RoomGet: () => ({ summary: this.summary((body as { room: string }).room, session.user) }),
      Profiles: () => ({ profiles: (body as { users: string[] }).users.map((user) => ({ user, displayName: user.toUpperCase() })) }),
    };
    return (handlers[command] ?? (() => ({})))();
  }

  #open(session: FakeSession, hello: OpenRequest): Answer {
    this.hello = hello;
    const user = this.tokens.get(hello.token);
    if (!user) return { refused: { code: "unauthenticated", message: "You have been signed out." } };
    session.user = user;
    this.sessions.add(session);
    for (const room of this.rooms.values()) {
      const head = BigInt(room.items.length);
      const cursor = hello.cursors[room.id] ?? head;
      session.cursors.set(room.id, cursor < head ? cursor : head);
    }
    return {
      user,
      device: "d",
      node: "n",
      profile: { user, displayName: "Alice" },
      rooms: [...this.rooms.keys()].map((room) => this.summary(room, user)),
      heartbeatSeconds: HEARTBEAT_SECONDS,
    };
  }

  #send(session: FakeSession, { room: id, key, text, emote, thread, replyTo }: SendRequest): Answer {
    const room = this.rooms.get(id);
    if (!room) return { refused: { code: "not_member", message: "You are not in this room." } };
    const name = `${session.user} ${key}`;
    const before = room.answers.get(name);
    if (before) return before;
    // As a node does: the own event goes out with, or after, the answer.
    const cursors = [...this.sessions].map((s) => [s, s.cursors.get(id)] as const);
    for (const [s] of cursors) s.cursors.delete(id);
    const event = this.#append(id, session.user, { kind: emote ? "emote" : "text", text, thread, replyTo });
    for (const [s, cursor] of cursors) if (cursor !== undefined) s.cursors.set(id, cursor);
    const answer = { event: event.id, room: id, pos: event.pos, time: event.time };
    room.answers.set(name, answer);
    return answer;
  }

  #history({ room, thread, before, after, around, date, limit }: HistoryRequest): Answer {
    const all = this.timeline(room, thread);
    const at = (id: string) => all.findIndex((e) => e.id === id);
    const size = limit || 50;
    let from = Math.max(0, all.length - size);
    let to = all.length;
    if (before) [from, to] = [Math.max(0, at(before) - size), at(before)];
    else if (after) [from, to] = [at(after) + 1, Math.min(all.length, at(after) + 1 + size)];
    else if (around) {
      if (at(around) < 0) return { refused: { code: "not_found", message: "There is no such message." } };
      from = Math.max(0, at(around) - size / 2);
      to = Math.min(all.length, from + size);
    } else if (date) {
      from = all.findIndex((e) => e.time >= date);
      to = Math.min(all.length, from + size);
    }
    const pos = BigInt(this.rooms.get(room)!.items.length);
    return create(HistoryResponseSchema, { events: all.slice(from, to), moreBefore: from > 0, moreAfter: to < all.length, pos });
  }
}

function isRefusal(answer: Answer): answer is Refusal {
  return "refused" in answer;
}

function changed(target: Event, by: Event): Event {
  if (by.kind === "edit") return { ...target, text: by.text, edited: by.time, edits: target.edits + 1 };
  if (by.kind === "delete") return { ...target, text: "", deleted: true, deletedBy: by.author };
  if (by.kind === "react") return { ...target, reactions: [...target.reactions, create(ReactionSchema, { emoji: by.emoji, users: [by.author] })] };
  return target;
}
