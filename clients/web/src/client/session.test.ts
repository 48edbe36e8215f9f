import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ClientFrameSchema, ServerFrameSchema, type ClientFrame } from "../gen/client_pb";
import type { Pipe } from "./pipe";
import { Session } from "./session";
import { fakeTime, pass } from "./testing/world";

beforeEach(fakeTime);
afterEach(() => {
  vi.clearAllTimers();
  vi.useRealTimers();
});

function session() {
  const sent: { frame: ClientFrame; bytes: number }[] = [];
  const pipe: Pipe = {
    name: "websocket",
    onFrame: () => {},
    onClose: () => {},
    send(bytes) {
      const frame = fromBinary(ClientFrameSchema, bytes);
      sent.push({ frame, bytes: bytes.length });
      if (frame.ping) setTimeout(() => pipe.onFrame(toBinary(ServerFrameSchema, create(ServerFrameSchema, { pong: true }))), 10);
    },
    close: () => {},
  };
  return { session: new Session(pipe), pipe, sent };
}

test("requests of one turn share a frame, within the node's limits and in order", async () => {
  const { session: s, sent } = session();
  const body = (n: number) => new Uint8Array(n);
  const asked = [10, 20, 65_000, 65_000, 65_000, ...Array.from({ length: 200 }, () => 10)];
  for (const n of asked) void s.request("Send", body(n)).catch(() => {});
  await pass(1);
  expect(sent.flatMap(({ frame }) => frame.requests.map((r) => r.body.length))).toEqual(asked);
  expect(Math.max(...sent.map(({ bytes }) => bytes))).toBeLessThan(256 * 1024);
  expect(sent.length).toBeLessThan(10);
});

test("answers find their request in any order; a broken session rejects the rest", async () => {
  const { session: s, pipe } = session();
  const outcomes = ["a", "b", "c"].map((command) => s.request(command, new Uint8Array()));
  const ends = vi.fn();
  s.onEnd = ends;
  const reply = (id: bigint, byte: number) => ({ id, body: Uint8Array.of(byte) });
  pipe.onFrame(toBinary(ServerFrameSchema, create(ServerFrameSchema, { replies: [reply(2n, 2), reply(9n, 9)] })));
  pipe.onFrame(toBinary(ServerFrameSchema, create(ServerFrameSchema, { replies: [reply(1n, 1)] })));
  pipe.onClose();
  expect(await outcomes[0]).toEqual(Uint8Array.of(1));
  expect(await outcomes[1]).toEqual(Uint8Array.of(2));
  await expect(outcomes[2]).rejects.toMatchObject({ code: "unreachable", retry: true });
  await expect(s.request("d", new Uint8Array())).rejects.toMatchObject({ code: "unreachable" });
  expect(ends).toHaveBeenCalledTimes(1);
});

test("what is no frame ends the session", () => {
  const { session: s, pipe } = session();
  pipe.onFrame(Uint8Array.of(0xff, 0xff, 0xff));
  expect(s.open).toBe(false);
});

test("a request the server does not answer is given up, and the number of requests is bounded", async () => {
  const { session: s } = session();
  const slow = expect(s.request("a", new Uint8Array())).rejects.toMatchObject({ code: "unreachable", retry: true });
  await pass(20_100, 1_000);
  await slow;
  for (let i = 0; i < 512; i++) void s.request("b", new Uint8Array()).catch(() => {});
  await expect(s.request("c", new Uint8Array())).rejects.toMatchObject({ code: "busy", retry: true });
});
