import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import type { Timeline } from "../../client/api";
import { EventSchema, type Event } from "../../gen/room_pb";
import { splitUpdate } from "./list";
import { placeReceipts } from "./placeReceipts";
import { buildRows, keyOfEvent, type Row } from "./rows";
import { saidAt, sentEarlier } from "./sent";

const NOON = new Date(2026, 10, 20, 12).getTime();
const MINUTE = 60_000;
let next = 1;
const event = (fields: Omit<Partial<Event>, "time" | "sent" | "$typeName" | "$unknown"> & { time?: number; sent?: number }): Event => {
  const pos = next++;
  return create(EventSchema, { id: `e${pos}`, pos: BigInt(pos), kind: "text", author: "ann@n", text: "x", ...fields, time: BigInt(fields.time ?? NOON), sent: BigInt(fields.sent ?? 0) });
};
const timeline = (events: Event[], more: Partial<Timeline> = {}): Timeline => ({ room: "r", thread: "", events, pending: [], moreBefore: true, moreAfter: false, loading: "", error: "", unreadFrom: null, ...more });
const kinds = (rows: readonly Row[]) => rows.map((r) => r.kind);
const heads = (rows: readonly Row[]) => rows.map((r) => "head" in r && r.head);

describe("buildRows", () => {
  it("groups one author's messages of five minutes", () => {
    const rows = buildRows(timeline([event({}), event({ time: NOON + 4 * MINUTE }), event({ time: NOON + 10 * MINUTE }), event({ author: "ben@n", time: NOON + 11 * MINUTE }), event({ author: "ben@n", replyTo: "e1", time: NOON + 11 * MINUTE })]), "me@n");
    expect(heads(rows)).toEqual([true, false, true, true, true]);
  });
  it("groups what came late by when it was said, and divides days by when it came", () => {
    const late = [event({ sent: NOON - 20 * MINUTE }), event({ sent: NOON - 19 * MINUTE }), event({ sent: NOON - 24 * 60 * MINUTE }), event({})];
    const rows = buildRows(timeline(late), "me@n");
    expect(heads(rows)).toEqual([true, false, true, true]);
    expect(rows.map((r) => r.day > 0)).toEqual([true, false, false, false]);
    expect(late.map(sentEarlier)).toEqual([true, true, true, false]);
    expect([saidAt(late[0]!), saidAt(late[3]!)]).toEqual([NOON - 20 * MINUTE, NOON]);
    expect(sentEarlier(event({ sent: NOON + MINUTE }))).toBe(false);
  });
  it("divides days", () => {
    const rows = buildRows(timeline([event({}), event({}), event({ time: NOON + 24 * 60 * MINUTE })]), "me@n");
    expect(rows.map((r) => r.day > 0)).toEqual([true, false, true]);
    expect(heads(rows)).toEqual([true, false, true]);
  });
  it("draws the unread line above the first message of somebody else after the position", () => {
    const events = [event({}), event({ author: "me@n" }), event({}), event({})];
    expect(buildRows(timeline(events, { unreadFrom: events[0]!.pos }), "me@n").map((r) => r.unread)).toEqual([false, false, true, false]);
    expect(buildRows(timeline(events), "me@n").some((r) => r.unread)).toBe(false);
  });
  it("collapses joins and leaves, not other changes", () => {
    const events = [event({ kind: "join" }), event({ kind: "leave", author: "ben@n" }), event({ kind: "settings" }), event({ kind: "join" }), event({ kind: "react" })];
    const rows = buildRows(timeline(events), "me@n");
    expect(kinds(rows)).toEqual(["system", "system", "system"]);
    expect(keyOfEvent(rows, events[1]!.id)).toBe(events[0]!.id);
  });
  it("makes one quiet line of a thread that goes on, and shows all in the thread", () => {
    const root = event({});
    const events = [root, event({ thread: root.id }), event({ thread: root.id, author: "ben@n" }), event({})];
    expect(kinds(buildRows(timeline(events), "me@n"))).toEqual(["message", "thread", "message"]);
    expect(kinds(buildRows(timeline(events.slice(0, 3), { thread: root.id }), "me@n"))).toEqual(["message", "message", "message"]);
  });
  it("shows what was voided to its author only", () => {
    const events = [event({ voided: true }), event({ author: "me@n", voided: true }), event({})];
    expect(buildRows(timeline(events), "me@n").map((r) => r.key)).toEqual([events[1]!.id, events[2]!.id]);
  });
  it("shows the beginning of the room, and what is not sent yet at its end", () => {
    const pending = { key: "k", room: "r", text: "hi", files: [], emote: false, replyTo: "", thread: "", time: NOON, state: "waiting" as const, error: "" };
    expect(kinds(buildRows(timeline([event({})], { moreBefore: false, pending: [pending] }), "me@n"))).toEqual(["start", "message", "pending"]);
    expect(kinds(buildRows(timeline([event({})], { moreAfter: true, pending: [pending] }), "me@n"))).toEqual(["message"]);
  });
});

describe("splitUpdate", () => {
  it("takes a change of the beginning apart from one of the end", () => {
    expect(splitUpdate(["c", "d"], ["a", "b", "c", "d", "e"])).toEqual({ start: ["a", "b", "c", "d"] });
    expect(splitUpdate(["a", "b", "c"], ["c", "d"])).toEqual({ start: ["c"] });
    expect(splitUpdate(["a", "b"], ["a", "b", "c"])).toEqual({});
    expect(splitUpdate(["a"], ["x", "y"])).toEqual({});
    expect(splitUpdate([], ["a"])).toEqual({});
  });
});

describe("placeReceipts", () => {
  it("puts each reader at the last row they have read", () => {
    const events = [event({}), event({ author: "ben@n" }), event({})];
    const rows = buildRows(timeline(events), "me@n");
    const placed = placeReceipts(rows, new Map([["ben@n", events[2]!.pos], ["cat@n", events[0]!.pos], ["me@n", events[2]!.pos], ["dan@n", 0n]]), "me@n");
    expect([...placed]).toEqual([[events[2]!.id, ["ben@n"]], [events[0]!.id, ["cat@n"]]]);
  });
});
