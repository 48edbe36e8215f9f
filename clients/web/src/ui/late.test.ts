import { afterEach, expect, it, vi } from "vitest";
import { persist } from "./late";

afterEach(() => void vi.useRealTimers());

it("asks again until it comes, less and less often", async () => {
  vi.useFakeTimers();
  const asked: number[] = [];
  const done = persist(() => {
    asked.push(Date.now());
    return asked.length < 9 ? Promise.reject(new Error("lost")) : Promise.resolve("here");
  });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await done).toBe("here");
  const waits = asked.slice(1).map((time, i) => time - asked[i]!);
  expect(waits).toEqual([300, 600, 1_200, 2_400, 4_800, 9_600, 10_000, 10_000]);
});
