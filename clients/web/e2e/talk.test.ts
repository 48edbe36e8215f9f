// Two people talk: the shortest way through everything.
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Node } from "./node.ts";
import { Passage } from "./passage.ts";
import { launch, Person } from "./person.ts";

let browser: Browser;
let node: Node;

beforeAll(async () => {
  [browser, node] = await Promise.all([launch(), Node.start()]);
});

afterAll(async () => {
  await browser?.close();
  await node?.stop();
});

test("the first administrator registers, a friend is invited, they talk", async () => {
  const alice = await Person.at(browser, node.url, "alice");
  await alice.register(node.adminLink);
  const profile = await node.login("alice");
  await node.hearth("room", "create", "garden", "--public", "--profile", profile);
  await alice.open("garden");

  const bob = await Person.at(browser, node.url, "bob");
  await bob.register(await node.invite());
  await node.hearth("room", "join", `#garden@${node.name}`, "--profile", await node.login("bob"));
  await bob.open("garden");

  await alice.say("Hello **Bob**");
  await bob.sees("Hello Bob");
  await bob.say("Hello Alice");
  await alice.sees("Hello Alice");
  expect(alice.complaints.concat(bob.complaints)).toEqual([]);
});

test("where UDP is swallowed and the connection is cut, nothing is lost or doubled", async () => {
  const passage = await Passage.open(node.port);
  try {
    await node.addUser("carol");
    const profile = await node.login("carol");
    const garden = `#garden@${node.name}`;
    await node.hearth("room", "join", garden, "--profile", profile);
    const carol = await Person.at(browser, passage.url, "carol");
    await carol.signIn();
    await carol.open("garden");
    await node.hearth("send", garden, "before the cut", "--profile", profile);
    await carol.sees("before the cut");
    passage.cut();
    await node.hearth("send", garden, "during the cut", "--profile", profile);
    await carol.say("my own");
    await carol.sees("my own");
    await carol.sees("during the cut");
  } finally {
    passage.close();
  }
});
