// Not hearing somebody, and telling the administrator: on one node, where it must work as well.
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Api } from "./api.ts";
import { Node } from "./node.ts";
import { launch, Person } from "./person.ts";

let browser: Browser;
let node: Node;
let alice: Person; // administrator
let bob: Person;
let eve: Api;
let room: string;

beforeAll(async () => {
  [browser, node] = await Promise.all([launch(), Node.start()]);
  await node.addUser("alice", "--admin");
  await node.addUser("bob");
  await node.addUser("eve");
  const a = await Api.login(node.url, "alice");
  eve = await Api.login(node.url, "eve");
  ({ room } = await a.do("RoomCreate", { alias: "garden", name: "Garden", public: true, key: a.key() }));
  await eve.do("RoomJoin", { room });
  const b = await Api.login(node.url, "bob");
  await b.do("RoomJoin", { room });
  for (const api of [a, b]) api.close();
  bob = await (await Person.at(browser, node.url, "bob")).signIn();
  alice = await (await Person.at(browser, node.url, "alice")).signIn();
  await bob.open("Garden");
});

afterAll(async () => {
  eve?.close();
  await browser?.close();
  await node?.stop();
});

test("a message is reported with a reason, and the administrator closes the report", async () => {
  await eve.send(room, "Buy my seeds");
  await bob.sees("Buy my seeds");
  await bob.choose("Buy my seeds", "Report");
  const dialog = bob.page.getByRole("dialog", { name: "Report this message?" });
  await dialog.getByLabel("What is wrong with it?").fill("For the third time");
  await dialog.getByRole("button", { name: "Send report" }).click();
  await bob.page.getByText("Reported. Thank you.").waitFor();

  await alice.goTo("Administration");
  await alice.page.getByRole("tab", { name: "Reports" }).click();
  const report = alice.page.getByRole("listitem").filter({ hasText: "For the third time" });
  await report.getByText("Buy my seeds").waitFor();
  await report.getByText("Reported by bob").waitFor();
  await report.getByRole("button", { name: /^Close report about eve/ }).click();
  await alice.page.getByText("No open reports.").waitFor();
});

test("what the blocked write is collapsed, and can be looked at", async () => {
  await bob.choose("Buy my seeds", "About eve");
  const card = bob.page.getByRole("dialog", { name: "eve" });
  await card.getByText(`eve@${node.name}`).waitFor();
  await card.getByRole("button", { name: "Block", exact: true }).click();
  await card.getByText("You have blocked this person").waitFor();
  await bob.page.keyboard.press("Escape");
  await card.waitFor({ state: "hidden" });
  const hidden = bob.messages.getByRole("article").filter({ hasText: "A message from somebody you blocked." });
  await hidden.waitFor();
  expect(await bob.page.getByText("Buy my seeds").count()).toBe(0);
  await eve.send(room, "Seeds, seeds, seeds");
  await hidden.nth(1).waitFor();
  expect(await bob.page.getByText("Seeds, seeds, seeds").count()).toBe(0);
  await hidden.nth(1).getByRole("button", { name: "Show" }).click();
  await bob.sees("Seeds, seeds, seeds");
});

test("the block holds after a reload, and is lifted in the settings", async () => {
  await bob.page.reload();
  await bob.messages.getByText("A message from somebody you blocked.").first().waitFor();
  await bob.goTo("Settings");
  await bob.page.getByRole("button", { name: /^Lift block of eve/ }).click();
  await bob.page.getByText("You have blocked nobody.").waitFor();
  await bob.open("Garden");
  await bob.sees("Buy my seeds");
  expect(alice.complaints.concat(bob.complaints)).toEqual([]);
});

test("a whole node, or a person, is blocked by typing the name", async () => {
  await bob.goTo("Settings");
  const field = bob.page.getByLabel("Block somebody");
  await field.fill("spam example");
  await bob.page.getByRole("button", { name: "Block", exact: true }).click();
  await bob.page.getByRole("alert").filter({ hasText: "Type name@node, or a node’s name." }).waitFor();
  await field.fill("spam.example:8443");
  await field.press("Enter");
  await bob.page.getByRole("listitem").filter({ hasText: "spam.example:8443" }).getByText("whole node").waitFor();
});
