import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { RoomNodeSchema } from "../gen/client_pb";
import { EventSchema } from "../gen/room_pb";
import { Blocks } from "./blocks";
import { Nodes, reachOf } from "./nodes";

const node = (name: string, more: MessageInitShape<typeof RoomNodeSchema> = {}) => create(RoomNodeSchema, { name, ...more });
const said = (seq: bigint, more: MessageInitShape<typeof EventSchema> = {}) => create(EventSchema, { kind: "text", origin: "n", seq, ...more });
const three = [node("n", { here: true }), node("a", { reached: 7n, behind: 3n }), node("b", { reached: 10n })];

describe("how far a message has got", () => {
  test("is counted among the other nodes of the room", () => {
    expect(reachOf(said(7n), three, "n")).toEqual({ reached: 2, of: 2 });
    expect(reachOf(said(8n), three, "n")).toEqual({ reached: 1, of: 2 });
    expect(reachOf(said(11n), three, "n")).toEqual({ reached: 0, of: 2 });
  });

  test("is no question for other nodes' messages, for what is no message, or for a room of one node", () => {
    expect(reachOf(said(7n, { origin: "a" }), three, "n")).toBeNull();
    expect(reachOf(said(7n, { kind: "join" }), three, "n")).toBeNull();
    expect(reachOf(said(7n, { voided: true }), three, "n")).toBeNull();
    expect(reachOf(said(7n), [node("n", { here: true })], "n")).toBeNull();
    expect(reachOf(said(7n, { reached: 0, nodes: 1 }), [node("n", { here: true })], "n")).toBeNull(); // the other one has left
  });

  test("is what the page said, where that is more or nothing else is known", () => {
    expect(reachOf(said(900n, { reached: 2, nodes: 2 }), three, "n")).toEqual({ reached: 2, of: 2 });
    expect(reachOf(said(1n, { reached: 1, nodes: 3 }), [], "n")).toEqual({ reached: 1, of: 3 });
  });

  test("does not wait for a node that is banned", () => {
    expect(reachOf(said(10n), [...three, node("spam", { banned: true })], "n")?.of).toBe(2);
  });
});

describe("a room's nodes", () => {
  test("move on by signals, never back", () => {
    const changes: string[] = [];
    const nodes = new Nodes((room) => changes.push(room));
    nodes.put("r", three);
    nodes.reached("r", "a", 9n);
    expect(nodes.get("r")[1]).toMatchObject({ reached: 9n, behind: 1n });
    nodes.reached("r", "a", 8n);
    nodes.reached("r", "nobody", 8n);
    nodes.reached("elsewhere", "a", 8n);
    expect(changes).toEqual(["r", "r"]);
    nodes.put("r", three); // an answer that was under way
    expect(nodes.get("r")[1]!.reached).toBe(9n);
  });
});

describe("blocks", () => {
  test("are of people and of whole nodes", () => {
    let changes = 0;
    const blocks = new Blocks(() => changes++);
    blocks.replace(["eve@m"], []);
    blocks.set("", "spam.example:8443", true);
    expect(["eve@m", "bob@m", "x@spam.example:8443", "x@spam.example"].map((user) => blocks.has(user))).toEqual([true, false, true, false]);
    blocks.set("eve@m", "", false);
    blocks.set("eve@m", "", false);
    expect(blocks.has("eve@m")).toBe(false);
    expect(changes).toBe(3);
  });
});
