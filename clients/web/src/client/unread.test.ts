import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { EventSchema, ItemSchema, RoomSummarySchema } from "../gen/room_pb";
import { Rooms } from "./rooms";
import { randomFrom } from "./testing/world";

const me = "me@n";

interface Said {
  author: string;
  kind: string;
  silent: boolean;
  mention: boolean;
}

/** The node's rule, from scratch. */
function truth(log: Said[], readPos: number) {
  const unread = log.filter((s, i) => i + 1 > readPos && s.author !== me && s.kind !== "react" && !s.silent);
  return { unread: unread.length, mentions: unread.filter((s) => s.mention).length };
}

function itemOf(said: Said, pos: number) {
  const { author, kind, silent, mention } = said;
  return create(ItemSchema, {
    event: create(EventSchema, { id: `e${pos}`, pos: BigInt(pos), author, kind, silent, mentions: mention ? [me] : [], text: "x" }),
  });
}

test("counts follow the node's rule through items, reads and summaries, in any order", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = randomFrom(seed);
    const log: Said[] = [];
    let readPos = 0;
    let delivered = 0;
    const summary = () =>
      create(RoomSummarySchema, { room: "r", membership: "join", headPos: BigInt(log.length), readPos: BigInt(readPos), ...truth(log, readPos) });
    const rooms = new Rooms();
    rooms.upsert(summary());
    for (let step = 0; step < 80; step++) {
      const dice = random();
      if (dice < 0.4) {
        const own = random() < 0.15;
        log.push({ author: own ? me : "bob@n", kind: random() < 0.2 ? "react" : "text", silent: random() < 0.1, mention: random() < 0.3 });
        if (own && log.at(-1)!.kind === "text") readPos = log.length;
      } else if (dice < 0.75 && delivered < log.length) {
        delivered++;
        rooms.take("r", itemOf(log[delivered - 1]!, delivered), me);
      } else if (dice < 0.85) {
        rooms.upsert(summary());
      } else if (dice < 0.95 && delivered > readPos) {
        readPos = delivered; // read to what is on show, and the node is told
        rooms.readTo("r", BigInt(readPos));
      }
    }
    while (delivered < log.length) rooms.take("r", itemOf(log[delivered]!, ++delivered), me);
    const { unread, mentions } = rooms.get("r")!;
    expect({ unread, mentions }, `seed ${seed}`).toEqual(truth(log, readPos));
  }
});

test("duplicates and strangers' items are refused", () => {
  const rooms = new Rooms();
  rooms.upsert(create(RoomSummarySchema, { room: "r", membership: "join", headPos: 3n }));
  const said = { author: "bob@n", kind: "text", silent: false, mention: false };
  expect(rooms.take("r", itemOf(said, 3), me)).toBe(false);
  expect(rooms.take("r", itemOf(said, 4), me)).toBe(true);
  expect(rooms.take("r", itemOf(said, 4), me)).toBe(false);
  expect(rooms.take("other", itemOf(said, 1), me)).toBe(false);
  expect(rooms.get("r")!.unread).toBe(1);
});

test("a summary older than a read of ours does not bring the count back", () => {
  const rooms = new Rooms();
  const summary = { room: "r", membership: "join", headPos: 5n, readPos: 1n, unread: 4 };
  rooms.upsert(create(RoomSummarySchema, summary));
  rooms.readTo("r", 5n);
  rooms.upsert(create(RoomSummarySchema, summary));
  expect(rooms.get("r")).toMatchObject({ unread: 0, readPos: 5n });
});

test("leaving takes the room off the list", () => {
  const rooms = new Rooms();
  rooms.upsert(create(RoomSummarySchema, { room: "r", membership: "join" }));
  expect(rooms.upsert(create(RoomSummarySchema, { room: "r", membership: "leave" }))).toBe(false);
  expect(rooms.list()).toEqual([]);
});
