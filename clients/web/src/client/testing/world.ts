// A browser's worth of surroundings for tests: storage, locks, tabs, and time that
// passes only when told to.
import { vi } from "vitest";
import type { ChatClient } from "../api";
import { createClient } from "../client";
import type { Env, Locks, Storage } from "../env";
import { FakeNetwork } from "./fakenetwork";
import { FakeNode } from "./fakenode";

declare function setImmediate(act: (value: unknown) => void): void; // Node's

export function fakeTime(): void {
  // setImmediate stays: fake-indexeddb lives on it.
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"], now: 1_800_000_000_000 });
}

/** Lets `ms` pass, and all that becomes due in it happen, IndexedDB included. */
export async function pass(ms: number, step = 10): Promise<void> {
  await ticks();
  for (let left = ms; left > 0; left -= step) {
    await vi.advanceTimersByTimeAsync(Math.min(step, left));
    await ticks();
  }
}

async function ticks(): Promise<void> {
  for (let i = 0; i < 8; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** Small, fast, seeded (mulberry32). */
export function randomFrom(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class FakeStorage implements Storage {
  readonly map = new Map<string, string>();
  getItem = (key: string) => this.map.get(key) ?? null;
  setItem = (key: string, value: string) => void this.map.set(key, value);
  removeItem = (key: string) => void this.map.delete(key);
  keys = () => [...this.map.keys()];
}

/** navigator.locks of one tab; `release` is what closing the tab does. */
class FakeLocks {
  readonly #held = new Map<string, object>();
  #ofTab = new Map<object, Set<string>>();

  forTab(tab: { alive: boolean }): Locks {
    return {
      request: async (name, options, held) => {
        if (!tab.alive) return new Promise(() => {});
        if (this.#held.has(name)) {
          if (options.ifAvailable) return held(null);
          throw new Error("this fake does not wait for locks");
        }
        this.#held.set(name, tab);
        this.#ofTab.set(tab, (this.#ofTab.get(tab) ?? new Set()).add(name));
        try {
          return await held({});
        } finally {
          this.#held.delete(name);
        }
      },
    };
  }

  release(tab: object): void {
    for (const name of this.#ofTab.get(tab) ?? []) this.#held.delete(name);
  }
}

/** One browser with any number of tabs on one node. */
export class World {
  readonly node = new FakeNode();
  readonly network = new FakeNetwork(this.node);
  readonly storage = new FakeStorage();
  readonly #locks = new FakeLocks();
  #id = 0;

  constructor(
    readonly random = () => 0.5,
    private readonly options: { webTransport?: boolean; locks?: boolean } = {},
  ) {}

  signIn(user = "alice"): void {
    this.storage.setItem("hearth.account", JSON.stringify({ token: `token-${user}`, user: `${user}@n`, device: "d", admin: false }));
  }

  tab(): Tab {
    const { webTransport = false, locks = true } = this.options;
    return new Tab(this, webTransport, locks ? this.#locks : null);
  }

  nextId(): string {
    return `id-${++this.#id}`;
  }
}

export class Tab {
  readonly client: ChatClient;
  alive = true;
  wake = () => {};
  stored: (key: string | null) => void = () => {};

  constructor(
    readonly world: World,
    webTransport: boolean,
    private readonly locks: FakeLocks | null,
  ) {
    this.client = createClient(this.#env(webTransport));
  }

  /** Closes the tab: its connections break, its locks go, its code never runs again. */
  close(): void {
    this.alive = false;
    this.locks?.release(this);
    this.world.network.cut();
  }

  #env(webTransport: boolean): Env {
    const { world } = this;
    const { network } = world;
    return {
      origin: "https://n",
      deviceName: "Test",
      storage: world.storage,
      locks: this.locks?.forTab(this) ?? null,
      indexedDB: "indexedDB" in globalThis,
      fetch: (url, init) => (this.alive ? network.fetch(url, init) : new Promise(() => {})),
      webSocket: () => {
        if (!this.alive) return { binaryType: "", send() {}, close() {}, onopen: null, onmessage: null, onerror: null, onclose: null };
        return network.webSocket();
      },
      webTransport: webTransport ? (_, options) => network.webTransport(options) : null,
      random: world.random,
      id: () => world.nextId(),
      onWake: (listener) => void (this.wake = listener),
      onStorage: (listener) => void (this.stored = listener),
      upload: () => Promise.reject(new Error("no uploads here")),
      objectUrl: () => "blob:fake",
      revokeObjectUrl: () => {},
    };
  }
}
