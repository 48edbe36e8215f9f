import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { HEARTBEAT_SECONDS } from "./testing/fakenode";
import { fakeTime, pass, World, type Tab } from "./testing/world";

beforeEach(fakeTime);
afterEach(() => {
  vi.clearAllTimers();
  vi.useRealTimers();
});

async function online(world: World): Promise<Tab> {
  world.signIn();
  const tab = world.tab();
  void tab.client.start();
  await pass(100);
  expect(tab.client.connection.phase).toBe("online");
  return tab;
}

describe("choice of transport", () => {
  const DAY = 24 * 3600_000;

  test("a browser without WebTransport goes straight to WebSocket", async () => {
    const world = new World();
    const tab = await online(world);
    expect(tab.client.connection.transport).toBe("websocket");
    expect(world.network.dials).toEqual(["websocket"]);
    expect(world.node.log).not.toContain("http ServerInfo");
  });

  test("WebTransport is used where it works, with the node's certificate hashes", async () => {
    const world = new World(undefined, { webTransport: true });
    world.network.udp = "open";
    world.node.certificateHashes = [btoa("\x01\x02\x03")];
    const tab = await online(world);
    expect(tab.client.connection.transport).toBe("webtransport");
    expect(world.network.quicOptions).toEqual({
      serverCertificateHashes: [{ algorithm: "sha-256", value: Uint8Array.of(1, 2, 3) }],
    });
  });

  test("frames travel over WebTransport both ways", async () => {
    const world = new World(undefined, { webTransport: true });
    world.network.udp = "open";
    world.node.addRoom("r");
    const tab = await online(world);
    tab.client.open("r");
    tab.client.send("r", { text: "x".repeat(70_000) });
    await pass(100);
    expect(tab.client.timeline("r").events.map((e) => e.text.length)).toEqual([70_000]);
    expect(tab.client.timeline("r").pending).toEqual([]);
  });

  test("UDP blocked: WebSocket within 3 s, remembered for a day, then tried again", async () => {
    const world = new World(undefined, { webTransport: true });
    world.signIn();
    const tab = world.tab();
    void tab.client.start();
    await pass(2_400);
    expect(tab.client.connection.phase).toBe("connecting");
    await pass(200);
    expect(tab.client.connection).toMatchObject({ phase: "online", transport: "websocket" });
    expect(world.network.dials).toEqual(["webtransport", "websocket"]);

    world.network.dials = [];
    world.network.cut();
    await pass(700);
    expect(tab.client.connection.phase).toBe("online");
    expect(world.network.dials).toEqual(["websocket"]);

    world.network.udp = "open";
    vi.setSystemTime(Date.now() + DAY);
    world.network.dials = [];
    world.network.cut();
    await pass(700);
    expect(world.network.dials).toEqual(["webtransport"]);
    expect(tab.client.connection.transport).toBe("webtransport");
  });

  test("a quick refusal is remembered for minutes only", async () => {
    const world = new World(undefined, { webTransport: true });
    world.network.udp = "refused";
    const tab = await online(world);
    expect(tab.client.connection.transport).toBe("websocket");
    world.network.udp = "open";
    vi.setSystemTime(Date.now() + 6 * 60_000);
    world.network.cut();
    await pass(1_000);
    expect(tab.client.connection.transport).toBe("webtransport");
  });

  test("UDP blocked in the middle: noticed by the first message, which arrives by WebSocket, once", async () => {
    const world = new World(undefined, { webTransport: true });
    world.network.udp = "open";
    world.node.addRoom("r");
    const tab = await online(world);
    tab.client.open("r");
    await pass(100);
    world.network.udp = "blocked";
    tab.client.send("r", { text: "still there?" });
    await pass(5_500);
    expect(tab.client.connection).toMatchObject({ phase: "online", transport: "websocket" });
    await pass(100);
    expect(tab.client.timeline("r").events.map((e) => e.text)).toEqual(["still there?"]);
    expect(tab.client.timeline("r").pending).toEqual([]);
  });

  test("a node that is down says nothing about UDP", async () => {
    const world = new World(undefined, { webTransport: true });
    world.network.udp = "open";
    const tab = await online(world);
    world.network.up = false;
    world.network.cut();
    await pass(8_000);
    expect(tab.client.connection.phase).not.toBe("online");
    world.network.up = true;
    await pass(20_000);
    expect(tab.client.connection.transport).toBe("webtransport");
  });
});

describe("coming back", () => {
  test("waits longer each time, from 0.5 s to 30 s, with jitter", async () => {
    const world = new World(() => 0.5);
    const tab = await online(world);
    world.network.up = false;
    world.network.cut();
    await pass(10);
    const waits: number[] = [];
    for (let i = 0; i < 9; i++) {
      const { retryAt } = tab.client.connection;
      waits.push(retryAt! - Date.now());
      await pass(retryAt! - Date.now() + 20);
    }
    expect(waits[0]).toBeGreaterThanOrEqual(450);
    for (let i = 2; i < 7; i++) expect(waits[i]!).toBeGreaterThan(waits[i - 1]!);
    expect(Math.max(...waits)).toBeLessThanOrEqual(30_000);
    world.network.up = true;
    await pass(30_000);
    expect(tab.client.connection).toMatchObject({ phase: "online", reason: "" });
  });

  test("at once when the network wakes up, or when asked to", async () => {
    for (const by of ["wake", "ask"]) {
      const world = new World();
      const tab = await online(world);
      world.network.up = false;
      world.network.cut();
      await pass(20_000);
      if (tab.client.connection.phase === "connecting") await pass(100);
      expect(tab.client.connection.phase).toBe("offline");
      world.network.up = true;
      if (by === "wake") tab.wake();
      else tab.client.reconnectNow();
      await pass(50);
      expect(tab.client.connection.phase).toBe("online");
    }
  });

  test("a connection that died while the computer slept is noticed on waking", async () => {
    const world = new World();
    const tab = await online(world);
    world.node.silent = true;
    tab.wake();
    await pass(2_900);
    expect(world.network.dials).toHaveLength(1);
    await pass(1_000);
    expect(world.network.dials).toHaveLength(2);
  });
});

describe("heartbeats", () => {
  test("a quiet session pings, and is kept", async () => {
    const world = new World();
    const tab = await online(world);
    world.node.log = [];
    await pass(10 * HEARTBEAT_SECONDS * 1_000, 500);
    expect(world.node.log.filter((entry) => entry === "ping").length).toBeGreaterThanOrEqual(9);
    expect(tab.client.connection.phase).toBe("online");
    expect(world.network.dials).toHaveLength(1);
  });

  test("a server silent for three heartbeats is given up", async () => {
    const world = new World();
    const tab = await online(world);
    world.node.silent = true;
    await pass(3 * HEARTBEAT_SECONDS * 1_000 - 1_000, 500);
    expect(tab.client.connection.phase).toBe("online");
    await pass(8_000, 100);
    expect(world.network.dials.length).toBeGreaterThan(1);
  });

  test("a ping is answered", async () => {
    const world = new World();
    await online(world);
    for (const session of world.node.sessions) session.send({ ping: true });
    await pass(50);
    expect(world.node.log).toContain("pong");
  });
});

describe("bye", () => {
  test("comes back after the time the node asked for", async () => {
    const world = new World(() => 0);
    const tab = await online(world);
    for (const session of world.node.sessions) {
      session.send({ bye: { error: { code: "shutdown", message: "The server restarts.", retry: true }, reconnectAfterMs: 3_000 } });
    }
    await pass(50);
    expect(tab.client.connection).toMatchObject({ phase: "offline", reason: "The server restarts." });
    await pass(2_800);
    expect(tab.client.connection.phase).toBe("offline");
    await pass(300);
    expect(tab.client.connection.phase).toBe("online");
  });

  test("does not come back by itself when told not to", async () => {
    const world = new World();
    const tab = await online(world);
    for (const session of world.node.sessions) session.send({ bye: { error: { code: "replaced", message: "Too many sessions." } } });
    await pass(120_000, 1_000);
    tab.wake();
    await pass(100);
    expect(tab.client.connection).toMatchObject({ phase: "offline", retryAt: null, reason: "Too many sessions." });
    tab.client.reconnectNow();
    await pass(100);
    expect(tab.client.connection.phase).toBe("online");
  });

  test("unauthenticated signs out, here and in the other tabs", async () => {
    const world = new World();
    const tab = await online(world);
    const [session] = world.node.sessions;
    session!.send({ bye: { error: { code: "unauthenticated", message: "This device was signed out." } } });
    await pass(50);
    expect(tab.client.connection).toMatchObject({ phase: "signed-out", reason: "This device was signed out." });
    expect(tab.client.me).toBeNull();
    expect(world.storage.getItem("hearth.account")).toBeNull();
  });
});

describe("signing in", () => {
  test("with a password, then by the token", async () => {
    const world = new World();
    const tab = world.tab();
    await tab.client.start();
    expect(tab.client.connection.phase).toBe("signed-out");
    const login = tab.client.login("bob", "secret");
    await pass(100);
    await login;
    expect(tab.client.me).toMatchObject({ user: "bob@n", node: "n" });
    const again = world.tab();
    void again.client.start();
    await pass(100);
    expect(again.client.me?.user).toBe("bob@n");
  });

  test("with a wrong password is refused with the node's sentence", async () => {
    const tab = new World().tab();
    const refused = expect(tab.client.login("bob", "wrong")).rejects.toMatchObject({ code: "unauthenticated", message: "Wrong name or password." });
    await pass(100);
    await refused;
    expect(tab.client.connection.phase).toBe("signed-out");
  });

  test("a stale token ends in signed-out", async () => {
    const world = new World();
    world.signIn("mallory");
    const tab = world.tab();
    void tab.client.start();
    await pass(100);
    expect(tab.client.connection).toMatchObject({ phase: "signed-out", reason: "You have been signed out." });
  });

  test("signing out in one tab signs out the others", async () => {
    const world = new World();
    const tab = await online(world);
    const other = await online(world);
    void tab.client.logout();
    other.stored("hearth.account");
    await pass(50);
    expect(tab.client.connection.phase).toBe("signed-out");
    expect(other.client.connection.phase).toBe("signed-out");
    expect(world.node.log).toContain("http Logout");
  });

  test("commands wait for a session that is opening, and fail while offline", async () => {
    const world = new World();
    world.signIn();
    const tab = world.tab();
    void tab.client.start();
    const early = tab.client.commands.devices({});
    await pass(100);
    await expect(early).resolves.toBeDefined();
    world.network.up = false;
    world.network.cut();
    await pass(10);
    await expect(tab.client.commands.devices({})).rejects.toMatchObject({ code: "unreachable", retry: true });
  });
});
