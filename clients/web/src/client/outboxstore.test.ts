import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Env } from "./env";
import { openOutboxStore, type OutboxStore, type Stored } from "./outboxstore";
import { fakeTime, pass } from "./testing/world";

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
  fakeTime();
});
afterEach(() => {
  vi.clearAllTimers();
  vi.useRealTimers();
});

const message = (outbox: string, key: string, time = 1, user = "alice@n"): Stored => {
  return { key, user, outbox, room: "r", text: key, emote: false, replyTo: "", thread: "", time, error: "" };
};

/** Opens the store of a tab in a browser without navigator.locks. */
async function tab(outbox: string, indexedDB = true): Promise<OutboxStore> {
  const opening = openOutboxStore({ locks: null, indexedDB } as Env, outbox);
  await pass(20);
  return opening;
}

async function claim(store: OutboxStore, own = false): Promise<string[]> {
  const claiming = store.claim("alice@n", own);
  await pass(20);
  return (await claiming).map((m) => m.key);
}

test("without locks a lease keeps other tabs away, until its tab has gone", async () => {
  const one = await tab("one");
  await one.put(message("one", "second", 2));
  await one.put(message("one", "first", 1));
  await one.put(message("one", "bob's", 1, "bob@n"));
  const two = await tab("two");
  await pass(60_000, 1_000); // both tabs renew
  expect(await claim(two)).toEqual([]);
  const now = Date.now();
  vi.clearAllTimers(); // both stop; it also turns the clock back
  vi.setSystemTime(now + 14_000);
  expect(await claim(two)).toEqual([]);
  vi.setSystemTime(now + 16_000);
  expect(await claim(two)).toEqual(["first", "second"]);
  expect(await claim(two)).toEqual([]);
  expect(await claim(two, true)).toEqual(["first", "second"]);
});

test("of tabs that claim at once each message goes to one", async () => {
  const gone = await tab("gone");
  for (let i = 0; i < 20; i++) await gone.put(message("gone", `m${i}`, i));
  vi.clearAllTimers();
  await pass(16_000, 1_000);
  const tabs = await Promise.all(["a", "b", "c"].map((name) => tab(name)));
  const claims = Promise.all(tabs.map((store) => store.claim("alice@n", false)));
  await pass(100);
  const keys = (await claims).flat().map((m) => m.key);
  expect(keys.sort()).toEqual(Array.from({ length: 20 }, (_, i) => `m${i}`).sort());
});

test("erasing a user's messages leaves the others'", async () => {
  const one = await tab("one");
  await one.put(message("one", "a"));
  await one.put(message("one", "b", 1, "bob@n"));
  await one.clear("alice@n");
  expect(await claim(one, true)).toEqual([]);
  expect((await one.claim("bob@n", true)).map((m) => m.key)).toEqual(["b"]);
});

test("without IndexedDB nothing is kept, and nothing fails", async () => {
  const store = await tab("one", false);
  await store.put(message("one", "a"));
  expect(await claim(store, true)).toEqual([]);
});
