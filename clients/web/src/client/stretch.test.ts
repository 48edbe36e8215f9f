import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { HistoryResponseSchema } from "../gen/client_pb";
import { EventSchema, ItemSchema, type Event } from "../gen/room_pb";
import { MAX_EVENTS, Stretch } from "./stretch";
import { randomFrom } from "./testing/world";

const event = (n: number, more: MessageInitShape<typeof EventSchema> = {}) =>
  create(EventSchema, { id: `e${n}`, pos: BigInt(n), order: BigInt(n), origin: "n", seq: BigInt(n), kind: "text", text: `t${n}`, ...more });
const item = (e: Event, target?: Event) => create(ItemSchema, { event: e, target });
const page = (events: Event[], pos: number, moreBefore = false, moreAfter = false) =>
  create(HistoryResponseSchema, { events, moreBefore, moreAfter, pos: BigInt(pos) });
const ids = (stretch: Stretch) => stretch.events.map((e) => e.id);

function loaded(...args: Parameters<typeof page>): Stretch {
  const stretch = new Stretch("");
  stretch.reset(page(...args));
  return stretch;
}

describe("order", () => {
  test("is (order, origin, seq), not arrival", () => {
    const stretch = loaded([], 0);
    const events = [
      event(1, { order: 5n, origin: "b", seq: 1n }),
      event(2, { order: 5n, origin: "a", seq: 2n }),
      event(3, { order: 4n, origin: "z", seq: 9n }),
      event(4, { order: 5n, origin: "a", seq: 1n }),
    ];
    for (const e of events) stretch.apply(item(e));
    expect(ids(stretch)).toEqual(["e3", "e4", "e2", "e1"]);
  });

  test("an event from beyond an end that has more is left to paging", () => {
    const stretch = loaded([event(10), event(20)], 20, true, true);
    expect(stretch.apply(item(event(21, { order: 5n })))).toBe(false);
    expect(stretch.apply(item(event(22, { order: 15n })))).toBe(true);
    expect(stretch.apply(item(event(23, { order: 25n })))).toBe(false);
    expect(ids(stretch)).toEqual(["e10", "e22", "e20"]);
  });
});

describe("voided messages", () => {
  test("are gone for others, and stay marked for their author", () => {
    const stretch = loaded([event(1, { author: "bob@m" }), event(2, { author: "me@n" }), event(3)], 3);
    const kick = create(ItemSchema, { event: event(4, { kind: "kick" }), voided: ["e1", "e2", "unknown"] });
    expect(stretch.apply(kick, "me@n")).toBe(true);
    expect(ids(stretch)).toEqual(["e2", "e3", "e4"]);
    expect(stretch.get("e2")!.voided).toBe(true);
    expect(stretch.has("e1")).toBe(false);
  });

  test("are not quoted any more", () => {
    const stretch = loaded([event(1, { author: "bob@m" }), event(2, { replyTo: "e1", quote: { id: "e1", author: "bob@m", text: "t1" } })], 2);
    stretch.apply(create(ItemSchema, { event: event(3, { kind: "ban" }), voided: ["e1"] }), "me@n");
    expect(stretch.get("e2")!.quote).toMatchObject({ text: "", deleted: true });
  });

  test("do not come back with an older view", () => {
    const stretch = loaded([event(1), event(2, { author: "me@n" })], 2, true);
    stretch.apply(create(ItemSchema, { event: event(5, { kind: "kick" }), voided: ["e2"] }), "me@n");
    stretch.before(page([event(2, { author: "me@n" })], 4));
    expect(stretch.get("e2")!.voided).toBe(true);
  });
});

describe("views", () => {
  test("an older view never replaces a newer one", () => {
    const stretch = loaded([event(1), event(2)], 2, true);
    stretch.apply(item(event(5, { kind: "edit", target: "e2" }), event(2, { text: "new" })));
    stretch.before(page([event(1), event(2, { text: "old" })], 4));
    expect(stretch.get("e2")!.text).toBe("new");
    stretch.apply(item(event(4, { kind: "edit", target: "e2" }), event(2, { text: "old" })));
    expect(stretch.get("e2")!.text).toBe("new");
    stretch.after(page([event(2, { text: "newest" })], 6));
    expect(stretch.get("e2")!.text).toBe("newest");
  });

  test("what is about a message is no line of its own", () => {
    const stretch = loaded([event(1)], 1);
    for (const kind of ["edit", "delete", "react", "unreact", "pin", "unpin"]) stretch.apply(item(event(2, { kind, target: "e1" }), event(1)));
    expect(ids(stretch)).toEqual(["e1"]);
  });

  test("an answer's quote follows what it quotes", () => {
    const answer = event(2, { replyTo: "e1", quote: { id: "e1", author: "a", text: "secret" } });
    const stretch = loaded([event(1, { text: "secret" }), answer], 2);
    stretch.apply(item(event(3, { kind: "delete", target: "e1" }), event(1, { text: "", deleted: true })));
    expect(stretch.get("e2")!.quote).toMatchObject({ text: "", deleted: true });
  });
});

describe("threads", () => {
  const reply = event(2, { thread: "e1" });
  const root = event(1, { threadReplies: 1 });

  test("a reply is shown in its thread only; its root tells of it everywhere", () => {
    const main = loaded([event(1)], 1);
    const thread = new Stretch("e1");
    thread.reset(page([event(1)], 1));
    for (const stretch of [main, thread]) stretch.apply(item(reply, root));
    expect(ids(main)).toEqual(["e1"]);
    expect(main.get("e1")!.threadReplies).toBe(1);
    expect(ids(thread)).toEqual(["e1", "e2"]);
    expect(thread.get("e1")!.threadReplies).toBe(1);
  });
});

describe("bounds", () => {
  test("live messages push out the oldest", () => {
    const stretch = loaded([], 0);
    for (let n = 1; n <= 3 * MAX_EVENTS; n++) stretch.apply(item(event(n)));
    expect(stretch.events.length).toBeLessThanOrEqual(MAX_EVENTS + 100);
    expect(stretch.moreBefore).toBe(true);
    expect(stretch.moreAfter).toBe(false);
    expect(stretch.last!.id).toBe(`e${3 * MAX_EVENTS}`);
  });

  test("what is read above the end stays, however much comes", () => {
    const stretch = loaded([], 0);
    for (let n = 1; n <= 100; n++) stretch.apply(item(event(n)));
    stretch.followed = false;
    for (let n = 101; n <= 3 * MAX_EVENTS; n++) stretch.apply(item(event(n)));
    expect(stretch.events.length).toBeLessThanOrEqual(MAX_EVENTS + 100);
    expect(stretch.first!.id).toBe("e1");
    expect(stretch.moreAfter).toBe(true);
  });

  test("paging back pushes out the newest, and forward again", () => {
    const all = Array.from({ length: 10_000 }, (_, i) => event(i + 1));
    const stretch = loaded(all.slice(-100), 10_000, true);
    while (stretch.moreBefore) {
      const at = Number(stretch.first!.pos) - 1;
      stretch.before(page(all.slice(Math.max(0, at - 100), at), 10_000, at > 100));
      expect(stretch.events.length).toBeLessThanOrEqual(MAX_EVENTS + 100);
    }
    expect(stretch.first!.id).toBe("e1");
    expect(stretch.moreAfter).toBe(true);
    while (stretch.moreAfter) {
      const at = Number(stretch.last!.pos);
      stretch.after(page(all.slice(at, at + 100), 10_000, true, at + 100 < all.length));
    }
    expect(stretch.last!.id).toBe("e10000");
    expect(stretch.moreBefore).toBe(true);
    const numbers = stretch.events.map((e) => Number(e.pos));
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, i) => numbers[0]! + i));
  });
});

test("any interleaving of items and pages ends with the truth", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = randomFrom(seed);
    const pick = (n: number) => Math.floor(random() * n);
    const log: { event: Event; target?: Event }[] = [];
    const now = new Map<string, Event>();
    const grow = () => {
      const n = log.length + 1;
      const targets = [...now.values()];
      if (targets.length > 0 && random() < 0.4) {
        const target = targets[pick(targets.length)]!;
        const edited = { ...target, text: `edited ${n}`, edits: target.edits + 1 };
        now.set(target.id, edited);
        log.push({ event: event(n, { kind: "edit", target: target.id }), target: edited });
      } else {
        // Now and then one from a node that was cut off: its place is in the past.
        const e = event(n, { order: BigInt(random() < 0.2 ? 1 + pick(n) : n) });
        now.set(e.id, e);
        log.push({ event: e });
      }
    };
    const truth = () => [...now.values()].sort((a, b) => (a.order < b.order ? -1 : a.order > b.order ? 1 : Number(a.seq - b.seq)));
    for (let i = 0; i < 30; i++) grow();
    const stretch = new Stretch("");
    let delivered = log.length;
    const first = truth();
    stretch.reset(page(first.slice(-8), log.length, true));
    for (let step = 0; step < 40; step++) {
      if (random() < 0.5) grow();
      if (random() < 0.5 && delivered < log.length) stretch.apply(item(log[delivered]!.event, log[delivered++]!.target));
      if (random() < 0.3 && stretch.moreBefore) {
        // The page is ahead of the items: it holds changes not yet delivered.
        const all = truth();
        const at = all.findIndex((e) => e.id === stretch.first!.id);
        stretch.before(page(all.slice(Math.max(0, at - 5), at), log.length, at > 5));
      }
    }
    while (delivered < log.length) stretch.apply(item(log[delivered]!.event, log[delivered++]!.target));
    const all = truth();
    const from = all.findIndex((e) => e.id === stretch.first!.id);
    expect(stretch.events.map((e) => [e.id, e.text]), `seed ${seed}`).toEqual(all.slice(from).map((e) => [e.id, e.text]));
    expect(stretch.moreBefore || from === 0).toBe(true);
  }
});
