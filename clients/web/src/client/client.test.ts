import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Change, ChatClient } from "./api";
import { fakeTime, pass, randomFrom, World, type Tab } from "./testing/world";

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
  fakeTime();
});
afterEach(() => {
  vi.clearAllTimers();
  vi.useRealTimers();
});

async function start(world: World): Promise<Tab> {
  world.signIn();
  const tab = world.tab();
  void tab.client.start();
  await pass(200);
  return tab;
}

const shown = (tab: Tab, room = "r", thread = "") => tab.client.timeline(room, thread).events.map((e) => e.text);
const waiting = (tab: Tab, room = "r") => tab.client.timeline(room).pending.map((p) => p.text);

describe("resume", () => {
  test("takes up at the cursors: nothing twice, nothing missing, in order", async () => {
    const world = new World();
    world.node.addRoom("r");
    world.node.addRoom("s");
    world.node.say("r", "bob@n", "before");
    const tab = await start(world);
    tab.client.open("r");
    await pass(100);
    world.node.say("r", "bob@n", "one");
    world.node.say("s", "bob@n", "other room");
    await pass(100);
    world.network.up = false;
    world.network.cut();
    await pass(100);
    for (const text of ["two", "three", "four"]) world.node.say("r", "bob@n", text);
    world.network.up = true;
    await pass(2_000);
    expect(world.node.hello!.cursors).toEqual({ r: 2n, s: 1n });
    expect(shown(tab)).toEqual(["before", "one", "two", "three", "four"]);
    expect(tab.client.room("s")!.unread).toBe(1);
  });

  test("items that come twice are dropped", async () => {
    const world = new World();
    const room = world.node.addRoom("r");
    const tab = await start(world);
    const messages: string[] = [];
    tab.client.subscribe((changes) => changes.forEach((c) => c.kind === "message" && messages.push(c.event.text)));
    tab.client.open("r");
    await pass(100);
    world.node.say("r", "bob@n", "one");
    await pass(100);
    for (const session of world.node.sessions) session.send({ deliveries: [{ room: "r", items: room.items }] });
    await pass(100);
    expect(shown(tab)).toEqual(["one"]);
    expect(tab.client.room("r")!.unread).toBe(1);
    expect(messages).toEqual(["one"]);
  });

  test("after a gap the newest page is loaded again", async () => {
    const world = new World();
    world.node.addRoom("r");
    const tab = await start(world);
    const old = world.node.say("r", "bob@n", "old");
    tab.client.open("r");
    await pass(100);
    // A hundred items that are never delivered; one of them changes what is loaded.
    const [session] = world.node.sessions;
    session!.cursors.delete("r");
    world.node.act("r", "bob@n", { kind: "edit", target: old.id, text: "old, edited" });
    for (let i = 0; i < 60; i++) world.node.say("r", "bob@n", `skipped ${i}`);
    const last = world.node.say("r", "bob@n", "newest");
    session!.cursors.set("r", last.pos);
    session!.send({ deliveries: [{ room: "r", gap: true, items: [world.node.view("r", world.node.rooms.get("r")!.items.at(-1)!)] }] });
    await pass(2_000);
    expect(shown(tab)).toHaveLength(62);
    expect(shown(tab)[0]).toBe("old, edited");
    expect(shown(tab).at(-1)).toBe("newest");
    expect(tab.client.room("r")!.unread).toBe(62);
    world.node.say("r", "bob@n", "live again");
    await pass(100);
    expect(shown(tab).at(-1)).toBe("live again");
  });

  test("a gap may come with no items; what was acknowledged before it is not shown twice", async () => {
    const world = new World();
    world.node.addRoom("r");
    const tab = await start(world);
    tab.client.open("r");
    await pass(100);
    const [session] = world.node.sessions;
    session!.cursors.delete("r");
    tab.client.send("r", { text: "mine" });
    await pass(50);
    expect(waiting(tab)).toEqual(["mine"]);
    world.node.say("r", "bob@n", "theirs");
    session!.cursors.set("r", 2n);
    session!.send({ deliveries: [{ room: "r", gap: true }] });
    await pass(100);
    expect(shown(tab)).toEqual(["mine", "theirs"]);
    expect(waiting(tab)).toEqual([]);
  });

  test("a node restored from a backup starts the stream anew", async () => {
    const world = new World();
    const room = world.node.addRoom("r");
    const tab = await start(world);
    tab.client.open("r");
    for (let i = 0; i < 5; i++) world.node.say("r", "bob@n", `m${i}`);
    await pass(100);
    room.items.splice(2);
    for (const id of ["r-3", "r-4", "r-5"]) room.now.delete(id);
    world.network.cut();
    await pass(2_000);
    world.node.say("r", "bob@n", "after");
    await pass(100);
    expect(shown(tab)).toEqual(["m0", "m1", "after"]);
  });
});

describe("timeline", () => {
  test("opens around the read position, and pages both ways to the ends", async () => {
    const world = new World();
    const room = world.node.addRoom("r");
    for (let i = 1; i <= 500; i++) world.node.say("r", "bob@n", `m${i}`);
    room.readPos.set("alice@n", 200n);
    const tab = await start(world);
    expect(tab.client.room("r")!.unread).toBe(300);
    tab.client.open("r");
    await pass(100);
    const { unreadFrom, moreBefore, moreAfter } = tab.client.timeline("r");
    expect({ unreadFrom, moreBefore, moreAfter }).toEqual({ unreadFrom: 200n, moreBefore: true, moreAfter: true });
    expect(shown(tab)).toContain("m200");
    world.node.say("r", "bob@n", "m501");
    while (tab.client.timeline("r").moreAfter) {
      void tab.client.loadNewer("r");
      await pass(50);
    }
    while (tab.client.timeline("r").moreBefore) {
      void tab.client.loadOlder("r");
      await pass(50);
    }
    expect(shown(tab)).toEqual(Array.from({ length: 501 }, (_, i) => `m${i + 1}`));
  });

  test("opened before the node was reached, it loads as soon as it is", async () => {
    const world = new World();
    world.node.addRoom("r");
    world.node.say("r", "bob@n", "hello");
    world.network.up = false;
    world.signIn();
    const tab = world.tab();
    void tab.client.start();
    expect(tab.client.open("r").loading).toBe("jump");
    await pass(3_000);
    world.network.up = true;
    await pass(10_000);
    expect(shown(tab)).toEqual(["hello"]);
    expect(tab.client.timeline("r").loading).toBe("");
  });

  test("what comes while a page is on its way is not lost", async () => {
    const world = new World();
    world.node.addRoom("r");
    world.node.say("r", "bob@n", "one");
    const tab = await start(world);
    world.node.answerAfter.History = 30;
    tab.client.open("r");
    await pass(10); // the page is worked out, and not yet here
    world.node.say("r", "bob@n", "two");
    world.node.act("r", "bob@n", { kind: "edit", target: "r-1", text: "one, edited" });
    await pass(100);
    expect(shown(tab)).toEqual(["one, edited", "two"]);
  });

  test("jumps to a message, a date, and back", async () => {
    const world = new World();
    world.node.addRoom("r");
    for (let i = 1; i <= 400; i++) world.node.say("r", "alice@n", `m${i}`, { time: BigInt(i * 1_000) });
    const tab = await start(world);
    tab.client.open("r");
    await pass(100);
    void tab.client.jumpTo("r", { event: "r-100" });
    await pass(100);
    expect(shown(tab)).toContain("m100");
    void tab.client.jumpTo("r", { date: 50_000 });
    await pass(100);
    expect(shown(tab)[0]).toBe("m50");
    void tab.client.jumpTo("r", { event: "nowhere" });
    await pass(100);
    expect(tab.client.timeline("r").error).toBe("There is no such message.");
    void tab.client.jumpTo("r", "newest");
    await pass(100);
    expect(shown(tab).at(-1)).toBe("m400");
    expect(tab.client.timeline("r").error).toBe("");
  });

  test("threads: replies in the thread, the count on the root", async () => {
    const world = new World();
    world.node.addRoom("r");
    const root = world.node.say("r", "bob@n", "root");
    const tab = await start(world);
    tab.client.open("r");
    tab.client.openThread("r", root.id);
    await pass(100);
    tab.client.send("r", { text: "reply", thread: root.id });
    expect(tab.client.timeline("r").pending).toEqual([]);
    expect(tab.client.timeline("r", root.id).pending).toHaveLength(1);
    await pass(100);
    expect(shown(tab)).toEqual(["root"]);
    expect(shown(tab, "r", root.id)).toEqual(["root", "reply"]);
  });

  test("a snapshot is the same object until something changes", async () => {
    const world = new World();
    world.node.addRoom("r");
    const tab = await start(world);
    tab.client.open("r");
    await pass(100);
    const before = tab.client.timeline("r");
    expect(tab.client.timeline("r")).toBe(before);
    world.node.say("r", "bob@n", "one");
    await pass(100);
    expect(tab.client.timeline("r")).not.toBe(before);
  });
});

describe("outbox", () => {
  test("shows a message at once, and once", async () => {
    const world = new World();
    world.node.addRoom("r");
    const tab = await start(world);
    tab.client.open("r");
    await pass(100);
    for (const [deliverFirst, delay] of [[false, 0], [true, 0], [true, 15]] as const) {
      world.node.deliverFirst = deliverFirst;
      world.node.answerAfter.Send = delay;
      const text = `${deliverFirst} ${delay}`;
      tab.client.send("r", { text });
      tab.client.send("r", { text });
      for (let ms = 0; ms < 60; ms++) {
        const copies = [...shown(tab), ...waiting(tab)].filter((t) => t === text);
        expect(copies, `after ${ms} ms`).toEqual([text, text]);
        await pass(1);
      }
      expect(waiting(tab)).toEqual([]);
    }
  });

  test("the same words from another device are not taken for this one's", async () => {
    const world = new World();
    world.node.addRoom("r");
    const tab = await start(world);
    tab.client.open("r");
    await pass(100);
    world.node.override = (command) => (command === "Send" ? "silence" : undefined);
    tab.client.send("r", { text: "ok" });
    await pass(20);
    world.node.override = null;
    world.node.say("r", "alice@n", "ok"); // from the other device
    await pass(20);
    world.network.cut();
    await pass(2_000);
    expect(shown(tab)).toEqual(["ok", "ok"]);
    expect(waiting(tab)).toEqual([]);
    expect(world.node.timeline("r")).toHaveLength(2);
  });

  test("written offline, sent once and in order when back", async () => {
    const world = new World();
    world.node.addRoom("r");
    const tab = await start(world);
    tab.client.open("r");
    world.network.up = false;
    world.network.cut();
    await pass(50);
    for (const text of ["a", "b", "c"]) tab.client.send("r", { text });
    await pass(50);
    expect(tab.client.timeline("r").pending.map((p) => p.state)).toEqual(["waiting", "waiting", "waiting"]);
    world.network.up = true;
    await pass(5_000);
    expect(world.node.timeline("r").map((e) => e.text)).toEqual(["a", "b", "c"]);
    expect(shown(tab)).toEqual(["a", "b", "c"]);
  });

  test("refused for good: failed, with the sentence; the next ones go on", async () => {
    const world = new World();
    world.node.addRoom("r");
    const tab = await start(world);
    tab.client.open("r");
    let refuse = true;
    world.node.override = (command) => {
      if (command !== "Send" || !refuse) return undefined;
      refuse = false;
      return { refused: { code: "too_long", message: "This message is too long." } };
    };
    tab.client.send("r", { text: "bad" });
    tab.client.send("r", { text: "good" });
    await pass(100);
    expect(shown(tab)).toEqual(["good"]);
    const [failed] = tab.client.timeline("r").pending;
    expect(failed).toMatchObject({ text: "bad", state: "failed", error: "This message is too long." });

    tab.close();
    const again = await start(world);
    again.client.open("r");
    await pass(200);
    expect(again.client.timeline("r").pending).toMatchObject([{ text: "bad", state: "failed" }]);
    again.client.retry(failed!.key);
    await pass(100);
    expect(shown(again)).toEqual(["good", "bad"]);
    expect(waiting(again)).toEqual([]);
  });

  test("refused for now: again after the time the node asked for", async () => {
    const world = new World();
    world.node.addRoom("r");
    const tab = await start(world);
    tab.client.open("r");
    let refusals = 2;
    world.node.override = (command) =>
      command === "Send" && refusals-- > 0 ? { refused: { code: "limited", message: "Slow down.", retry: true, retryAfterMs: 4_000 } } : undefined;
    tab.client.send("r", { text: "one" });
    tab.client.send("r", { text: "two" });
    await pass(3_900);
    expect(world.node.log.filter((c) => c === "Send")).toHaveLength(1);
    await pass(200);
    expect(world.node.log.filter((c) => c === "Send")).toHaveLength(2);
    await pass(4_200);
    expect(shown(tab)).toEqual(["one", "two"]);
  });

  test("discarded is gone, also after a reload", async () => {
    const world = new World();
    world.node.addRoom("r");
    const tab = await start(world);
    tab.client.open("r");
    world.network.up = false;
    world.network.cut();
    await pass(50);
    tab.client.send("r", { text: "no" });
    await pass(50);
    tab.client.discard(tab.client.timeline("r").pending[0]!.key);
    expect(waiting(tab)).toEqual([]);
    await pass(50);
    tab.close();
    world.network.up = true;
    const again = await start(world);
    await pass(1_000);
    expect(waiting(again)).toEqual([]);
    expect(world.node.timeline("r")).toEqual([]);
  });

  test("of two tabs only the one that wrote it sends it; when it closes, the other takes over", async () => {
    const world = new World();
    world.node.addRoom("r");
    const one = await start(world);
    const two = await start(world);
    world.network.up = false;
    world.network.cut();
    await pass(50);
    one.client.send("r", { text: "from one" });
    await pass(50);
    expect(waiting(two)).toEqual([]);
    await pass(31_000, 500);
    expect(waiting(two)).toEqual([]);
    one.close();
    world.network.up = true;
    await pass(62_000, 500);
    expect(world.node.timeline("r").map((e) => e.text)).toEqual(["from one"]);
    expect(world.node.log.filter((c) => c === "Send")).toHaveLength(1);
  });

  test("exactly once, in order, whatever breaks: connections, answers, tabs", async () => {
    for (let seed = 1; seed <= 60; seed++) {
      globalThis.indexedDB = new IDBFactory();
      const random = randomFrom(seed);
      const world = new World(random);
      world.node.addRoom("r");
      world.node.addRoom("s");
      let trouble = true;
      world.node.override = (command) => {
        if (command !== "Send" || !trouble) return undefined;
        const dice = random();
        if (dice < 0.15) return "silence"; // lost on the way there
        if (dice < 0.3) return { refused: { code: "busy", message: "Busy.", retry: true, retryAfterMs: 50 } };
        return undefined;
      };
      let tab = await start(world);
      const written: Record<string, string[]> = { r: [], s: [] };
      for (let step = 0; step < 40; step++) {
        const dice = random();
        if (dice < 0.5) {
          const room = random() < 0.5 ? "r" : "s";
          const text = random() < 0.3 ? "same" : `m${step}`;
          written[room]!.push(text);
          tab.client.send(room, { text });
        } else if (dice < 0.65) {
          world.network.cut(); // answers under way are lost too
        } else if (dice < 0.72) {
          world.network.up = !world.network.up;
          if (!world.network.up) world.network.cut();
        } else if (dice < 0.8) {
          await pass(10); // stored by now
          tab.close();
          tab = await start(world);
        }
        world.node.deliverFirst = random() < 0.5;
        await pass(Math.floor(random() * 40), 4);
      }
      trouble = false;
      world.network.up = true;
      await pass(120_000, 1_000);
      for (const room of ["r", "s"]) {
        expect(world.node.timeline(room).map((e) => e.text), `seed ${seed}`).toEqual(written[room]);
        tab.client.open(room);
        await pass(200);
        expect(shown(tab, room), `seed ${seed}`).toEqual(written[room]);
        expect(waiting(tab, room), `seed ${seed}`).toEqual([]);
      }
      tab.close();
      vi.clearAllTimers();
    }
  }, 60_000);
});

describe("reading", () => {
  test("is said seldom, never back, and counts at once", async () => {
    const world = new World();
    world.node.addRoom("r");
    const tab = await start(world);
    for (let i = 1; i <= 9; i++) world.node.say("r", "bob@n", `m${i}`, { mentionRoom: i > 5 });
    await pass(100);
    expect(tab.client.room("r")).toMatchObject({ unread: 9, mentions: 4 });
    for (let pos = 1n; pos <= 7n; pos++) tab.client.markRead("r", pos);
    tab.client.markRead("r", 3n);
    expect(tab.client.room("r")).toMatchObject({ unread: 2, mentions: 2, readPos: 7n });
    await pass(1_000);
    expect(world.node.log.filter((c) => c === "Read")).toHaveLength(1);
    expect(world.node.rooms.get("r")!.readPos.get("alice@n")).toBe(7n);
  });

  test("what was read offline is said later", async () => {
    const world = new World();
    world.node.addRoom("r");
    const tab = await start(world);
    world.node.say("r", "bob@n", "one");
    await pass(100);
    world.network.up = false;
    world.network.cut();
    await pass(50);
    tab.client.markRead("r", 1n);
    await pass(2_000);
    world.network.up = true;
    await pass(20_000, 100);
    expect(world.node.rooms.get("r")!.readPos.get("alice@n")).toBe(1n);
    expect(tab.client.room("r")!.unread).toBe(0);
  });
});

/** Who types in the room r, by name. */
const typists = (tab: { client: ChatClient }): string[] => tab.client.typing("r").map((who) => who.ghost?.name ?? who.author);

describe("others", () => {
  test("typing ends by itself, and with a message", async () => {
    const world = new World();
    world.node.addRoom("r");
    const tab = await start(world);
    const type = () => world.node.sessions.forEach((s) => s.send({ signals: [{ kind: "typing", room: "r", user: "bob@n", on: true }] }));
    type();
    await pass(100);
    expect(typists(tab)).toEqual(["bob@n"]);
    await pass(8_000, 100);
    expect(typists(tab)).toEqual([]);
    type();
    await pass(50);
    world.node.say("r", "bob@n", "there");
    await pass(50);
    expect(typists(tab)).toEqual([]);
  });

  test("those beyond a bridge type each for themselves", async () => {
    const world = new World();
    world.node.addRoom("r");
    const tab = await start(world);
    const ghost = (id: string) => ({ id, name: id.toUpperCase(), avatar: "", network: "libera", hops: [] });
    const type = (id: string, on: boolean) => world.node.sessions.forEach((s) => s.send({ signals: [{ kind: "typing", room: "r", user: "libera@n", ghost: ghost(id), on }] }));
    type("ann", true);
    type("ben", true);
    await pass(100);
    expect(typists(tab)).toEqual(["ANN", "BEN"]);
    type("ann", false);
    await pass(100);
    expect(typists(tab)).toEqual(["BEN"]);
  });

  test("own typing is said at most every 4 s", async () => {
    const world = new World();
    world.node.addRoom("r");
    const tab = await start(world);
    for (let i = 0; i < 50; i++) {
      tab.client.setTyping("r", true);
      await pass(100);
    }
    tab.client.setTyping("r", false);
    tab.client.setTyping("r", false);
    await pass(50);
    expect(world.node.log.filter((c) => c === "Typing")).toHaveLength(3);
  });

  test("unknown profiles are fetched together", async () => {
    const world = new World();
    const tab = await start(world);
    for (const user of ["x@n", "y@n", "x@n"]) expect(tab.client.profile(user)).toBeUndefined();
    await pass(100);
    expect(tab.client.profile("y@n")?.displayName).toBe("Y@N");
    expect(world.node.log.filter((c) => c === "Profiles")).toHaveLength(1);
  });

  test("changes come in batches, each thing once", async () => {
    const world = new World();
    world.node.addRoom("r");
    const tab = await start(world);
    tab.client.open("r");
    await pass(100);
    const batches: (readonly Change[])[] = [];
    tab.client.subscribe((changes) => batches.push(changes));
    for (let i = 0; i < 20; i++) world.node.say("r", "bob@n", `m${i}`);
    await pass(40);
    expect(batches).toHaveLength(1);
    expect(batches[0]!.filter((c) => c.kind === "timeline")).toHaveLength(1);
    expect(batches[0]!.filter((c) => c.kind === "message")).toHaveLength(20);
  });

  test("drafts survive a reload and end with signing out", async () => {
    const world = new World();
    const tab = await start(world);
    tab.client.setDraft("r", "half a sen\ntence");
    tab.client.setDraft("r", "in a thread", "t");
    const again = await start(world);
    expect(again.client.draft("r")).toBe("half a sen\ntence");
    expect(again.client.draft("r", "t")).toBe("in a thread");
    void again.client.logout();
    await pass(50);
    expect(world.storage.keys()).toEqual([]);
  });
});

describe("other nodes", () => {
  test("what a kick voided goes: for others at once, for its author it is marked", async () => {
    const world = new World();
    world.node.addRoom("r");
    world.node.say("r", "bob@m", "stays");
    const late = world.node.say("r", "bob@m", "too late");
    const own = world.node.say("r", "alice@n", "mine");
    const tab = await start(world);
    tab.client.open("r");
    await pass(100);
    expect(shown(tab)).toEqual(["stays", "too late", "mine"]);
    world.node.act("r", "carol@n", { kind: "kick", subject: "bob@m" });
    const item = world.node.rooms.get("r")!.items.at(-1)!;
    world.node.rooms.get("r")!.items.pop();
    const [session] = world.node.sessions;
    session!.send({ deliveries: [{ room: "r", items: [{ event: { ...item.event!, pos: 5n, id: "r-5" }, voided: [late.id, own.id] }] }] });
    await pass(100);
    expect(tab.client.timeline("r").events.filter((e) => e.kind === "text").map((e) => [e.text, e.voided])).toEqual([["stays", false], ["mine", true]]);
  });

  test("an edit that was voided: how the message stands now is asked of the node", async () => {
    const world = new World();
    const room = world.node.addRoom("r");
    const message = world.node.say("r", "bob@m", "as it was");
    const tab = await start(world);
    tab.client.open("r");
    await pass(100);
    const edit = world.node.act("r", "bob@m", { kind: "edit", target: message.id, text: "as it should not be" });
    await pass(100);
    expect(shown(tab)).toEqual(["as it should not be"]);
    room.now.set(message.id, message);
    const [session] = world.node.sessions;
    session!.send({ deliveries: [{ room: "r", items: [{ event: { id: "k", pos: 3n, kind: "kick", order: 9_000n }, voided: [edit.id] }] }] });
    await pass(100);
    expect(shown(tab)).toContain("as it was");
  });

  test("the blocked are neither announced nor seen typing", async () => {
    const world = new World();
    world.node.addRoom("r");
    world.node.override = (command) => (command === "Blocks" ? { users: ["eve@m"], nodes: ["spam"] } : undefined);
    const tab = await start(world);
    const messages: string[] = [];
    tab.client.subscribe((changes) => changes.forEach((c) => c.kind === "message" && messages.push(c.event.text)));
    tab.client.open("r");
    await pass(100);
    for (const author of ["eve@m", "bob@spam", "bob@m"]) world.node.say("r", author, author);
    const [session] = world.node.sessions;
    session!.send({ signals: ["eve@m", "dan@spam", "bob@m"].map((user) => ({ kind: "typing", room: "r", user, on: true })) });
    await pass(100);
    expect(messages).toEqual(["bob@m"]);
    expect(typists(tab)).toEqual(["bob@m"]);
    expect(tab.client.blocked("anybody@spam")).toBe(true);
    void tab.client.commands.block({ user: "eve@m", on: false });
    await pass(100);
    expect(tab.client.blocked("eve@m")).toBe(false);
    expect(typists(tab)).toEqual(["eve@m", "bob@m"]);
  });

  test("a signal tells how far one's messages have got", async () => {
    const world = new World();
    world.node.addRoom("r");
    world.node.override = (command) => (command === "RoomGet" ? { summary: { room: "r", membership: "join" }, nodes: [{ name: "n", here: true }, { name: "m", reached: 4n }] } : undefined);
    const tab = await start(world);
    tab.client.open("r");
    await pass(100);
    const asked = tab.client.commands.roomGet({ room: "r" });
    await pass(100);
    await asked;
    const [session] = world.node.sessions;
    session!.send({ signals: [{ kind: "reached", room: "r", user: "m", pos: 6n }] });
    await pass(100);
    expect(tab.client.nodes("r").map((node) => node.reached)).toEqual([0n, 6n]);
  });
});
