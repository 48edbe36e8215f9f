// Nothing is lost, nothing doubled, and both see the same in the same order: when the
// node is killed and comes back, when it holds still, when a tab closes in between.
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { Api } from "./api.ts";
import { Node } from "./node.ts";
import { Passage } from "./passage.ts";
import { launch, Person } from "./person.ts";
import { readAll } from "./reading.ts";
import { until } from "./until.ts";

const EACH = 100; // messages a person

let browser: Browser;
let node: Node;
let api: Api;
const here: Person[] = [];
const opened: Passage[] = [];

beforeAll(async () => {
  [browser, node] = await Promise.all([launch(), Node.start()]);
  await node.addUser("alice", "--admin");
  await node.addUser("bob");
  api = await Api.login(node.url, "alice");
});

afterEach(async () => {
  for (const person of here.splice(0)) await person.leave();
  for (const way of opened.splice(0)) way.close();
});

afterAll(async () => {
  await browser?.close();
  await node?.stop();
});

/** Alice and Bob in a new room, connected as asked. */
async function together(transport: "WebTransport" | "WebSocket"): Promise<{ room: string; alias: string; url: string; alice: Person; bob: Person }> {
  const alias = "r" + Math.random().toString(36).slice(2, 10);
  const { room } = await api.do("RoomCreate", { alias, name: alias, public: true, key: api.key() });
  const his = await Api.login(node.url, "bob");
  await his.do("RoomJoin", { room });
  his.close();
  let { url } = node;
  if (transport === "WebSocket") {
    const passage = await Passage.open(node.port);
    opened.push(passage);
    ({ url } = passage);
  }
  for (const name of ["alice", "bob"]) {
    const person = await Person.at(browser, url, name);
    here.push(person);
    await person.signIn();
    await person.connectedBy(transport);
    await person.open(alias);
  }
  const [alice, bob] = here as [Person, Person];
  return { room, alias, url, alice, bob };
}

/** Types messages NAME-001 ... as fast as the page takes them; `onEach` is called before each. */
async function types(person: Person, count: number, onEach?: (i: number) => Promise<void> | void): Promise<void> {
  for (let i = 1; i <= count; i++) {
    await onEach?.(i);
    await person.composer.fill(numbered(person, i));
    await person.composer.press("Enter");
  }
}

const numbered = (person: Person, i: number) => `${person.name}-${String(i).padStart(3, "0")}`;

/** Every message once, each person's own in the order typed, and the same for both. */
async function nothingLostNorDoubled(people: Person[], count: number): Promise<void> {
  for (const person of people) {
    await until(async () => expect(await person.messages.getByText("Waiting to be sent").or(person.messages.getByText("Sending…")).count()).toBe(0));
  }
  const read = await until(async () => {
    const all = await Promise.all(people.map((person) => readAll(person.messages)));
    for (const [i, texts] of all.entries()) expect(texts.length, `messages that ${people[i]!.name} sees`).toBe(count * people.length);
    return all;
  });
  for (const texts of read) {
    expect(texts).toEqual(read[0]);
    for (const person of people) {
      const own = texts.filter((text) => text.startsWith(person.name));
      expect(own).toEqual(Array.from({ length: count }, (_, i) => numbered(person, i + 1)));
    }
  }
}

for (const transport of ["WebTransport", "WebSocket"] as const) {
  test(`the node is killed twice while both write, over ${transport}`, async () => {
    const { alice, bob } = await together(transport);
    let down: Promise<void> = Promise.resolve();
    const outage = (i: number) => {
      if (i !== 30 && i !== 70) return;
      down = (async () => {
        await node.kill();
        await alice.messages.getByText("Waiting to be sent").first().waitFor();
        await node.restart();
      })();
    };
    await Promise.all([types(alice, EACH, outage), types(bob, EACH)]);
    await down;
    await nothingLostNorDoubled([alice, bob], EACH);
  });
}

test("what is written while the node is down waits, survives the tab, and is sent once", async () => {
  const { alice, bob, alias, url } = await together("WebTransport");
  await types(alice, 1);
  await bob.sees("alice-001");
  await node.kill();
  await alice.page.getByRole("region", { name: "Offline" }).getByText("Messages wait here").waitFor();
  for (let i = 2; i <= 5; i++) await alice.say(numbered(alice, i));
  for (let i = 2; i <= 5; i++) await alice.message(numbered(alice, i)).getByText("Waiting to be sent").waitFor();
  await alice.composer.fill("a thought that is not finished");
  await alice.page.close();
  await node.restart();
  await alice.reopen(url);
  await alice.open(alias);
  await until(async () => expect(await alice.composer.inputValue()).toBe("a thought that is not finished"));
  for (const person of [alice, bob]) for (let i = 1; i <= 5; i++) await person.sees(numbered(alice, i));
  const texts = await readAll(bob.messages);
  expect(texts).toEqual([1, 2, 3, 4, 5].map((i) => numbered(alice, i)));
});

for (const [transport, seconds] of [["WebTransport", 20], ["WebSocket", 8]] as const) {
  test(`the node holds still for ${seconds} s as both write, over ${transport}`, async () => {
    const { alice, bob } = await together(transport);
    let still: Promise<void> = Promise.resolve();
    const pause = (i: number) => {
      if (i !== 10) return;
      node.pause();
      still = new Promise((done) => setTimeout(done, seconds * 1_000)).then(() => node.goOn());
    };
    try {
      await Promise.all([types(alice, 30, pause), types(bob, 30)]);
      await still;
    } finally {
      node.goOn();
    }
    await nothingLostNorDoubled([alice, bob], 30);
  });
}

test("the network is cut again and again", async () => {
  const { alice, bob } = await together("WebSocket");
  await Promise.all([types(alice, 45, (i) => (i % 15 === 0 ? opened[0]!.cut() : undefined)), types(bob, 45)]);
  await nothingLostNorDoubled([alice, bob], 45);
});
