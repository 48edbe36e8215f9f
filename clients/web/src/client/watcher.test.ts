import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Watcher } from "./watcher";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("watches who is here in rooms that are not open too, as far as the node lets it, and asks for no receipts there", async () => {
  const watched: string[][] = [];
  const receipts: string[] = [];
  const watcher = new Watcher(async (rooms) => void watched.push(rooms), async (room) => void receipts.push(room));
  watcher.set(["open"], ["d1", "d2", "d3", "d4", "d5", "d6", "d7", "d8"]);
  await vi.advanceTimersByTimeAsync(100);
  expect(watched).toEqual([["open", "d1", "d2", "d3", "d4", "d5", "d6", "d7"]]);
  expect(receipts).toEqual(["open"]);
  watcher.set(["d2"], ["d1", "d2"]); // one of them is opened
  await vi.advanceTimersByTimeAsync(100);
  expect(watched[1]).toEqual(["d2", "d1"]);
  expect(receipts).toEqual(["open", "d2"]);
  watcher.set([], ["d2", "d1"]); // the same ones
  await vi.advanceTimersByTimeAsync(100);
  expect(watched).toHaveLength(2);
});
