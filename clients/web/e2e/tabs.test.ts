// One person, several tabs and devices: they agree, and signing out holds for all it should.
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { Api } from "./api.ts";
import { Node } from "./node.ts";
import { launch, Person } from "./person.ts";
import { patience, until } from "./until.ts";

let browser: Browser;
let node: Node;
let bob: Api;
let alice: Person;
let again: Person;
let garden: string;

beforeAll(async () => {
  [browser, node] = await Promise.all([launch(), Node.start()]);
  await node.addUser("alice", "--admin");
  await node.addUser("bob");
  bob = await Api.login(node.url, "bob");
  ({ room: garden } = await bob.do("RoomCreate", { alias: "garden", name: "Garden", public: true, key: bob.key() }));
  const hers = await Api.login(node.url, "alice");
  await hers.do("RoomJoin", { room: garden });
  await hers.do("RoomCreate", { alias: "kitchen", name: "Kitchen", key: hers.key() });
  await hers.do("Logout", {});
  hers.close();
  alice = await Person.at(browser, node.url, "alice");
  await alice.signIn();
  again = await alice.secondTab();
  await again.rooms.waitFor();
});

afterEach(() => {
  alice.complaints.length = 0;
});

afterAll(async () => {
  await browser?.close();
  await node?.stop();
});

test("unread counts are the same in all tabs, and on another device", async () => {
  await alice.open("Kitchen");
  for (let i = 0; i < 3; i++) await bob.send(garden, `tomato ${i}`);
  const elsewhere = await Person.at(browser, node.url, "alice");
  await elsewhere.signIn();
  const all = [alice, again, elsewhere];
  for (const tab of all) await tab.rooms.getByRole("link", { name: /^Garden\s*, 3 unread messages$/ }).waitFor();
  for (const tab of all) await until(async () => expect(await tab.page.title()).toBe("(3) Hearth"));
  await again.open("Garden");
  await again.sees("tomato 2");
  for (const tab of all) await tab.rooms.getByRole("link", { name: "Garden", exact: true }).waitFor();
  for (const tab of all) await until(async () => expect(await tab.page.title()).toBe("Hearth"));
  await elsewhere.leave();
});

test("what waits in one tab is sent once, by that tab or by those that remain", async () => {
  await alice.open("Garden");
  await again.open("Garden");
  await node.kill();
  await alice.page.getByRole("region", { name: "Offline" }).waitFor();
  await again.page.getByRole("region", { name: "Offline" }).waitFor();
  await alice.say("written in the first tab");
  await again.say("written in the second tab");
  await alice.message("written in the first tab").getByText("Waiting to be sent").waitFor();
  await again.message("written in the second tab").getByText("Waiting to be sent").waitFor();
  await node.restart();
  for (const tab of [alice, again]) {
    for (const text of ["written in the first tab", "written in the second tab"]) {
      await until(() => tab.sees(text, 5_000));
      await tab.message(text).getByText("Waiting to be sent").waitFor({ state: "hidden" });
    }
  }
  const { events } = await bob.do("History", { room: garden, limit: 50 });
  const written = (events as { text?: string }[]).filter(({ text }) => text?.startsWith("written in the"));
  expect(written.length).toBe(2);
});

test("a tab that goes away while it waits leaves its messages to the other", async () => {
  const third = await alice.secondTab();
  await third.open("Garden");
  await third.sees("written in the first tab");
  await node.kill();
  await third.page.getByRole("region", { name: "Offline" }).waitFor();
  await third.say("left behind by a closed tab");
  await third.message("left behind").getByText("Waiting to be sent").waitFor();
  await third.page.close();
  await node.restart();
  await until(() => alice.sees("left behind by a closed tab", 5_000), 2 * patience);
  const { events } = await bob.do("History", { room: garden, limit: 50 });
  expect((events as { text?: string }[]).filter(({ text }) => text?.startsWith("left behind")).length).toBe(1);
});

test("signed out in one tab is signed out in the other, and says so", async () => {
  await again.goTo("Sign out");
  await again.page.getByRole("dialog", { name: "Sign out?" }).or(again.page.getByRole("alertdialog")).getByRole("button", { name: "Sign out" }).click();
  await again.page.getByRole("button", { name: "Sign in" }).waitFor();
  await alice.page.getByRole("button", { name: "Sign in" }).waitFor();
  await alice.page.getByText("You have signed out in another tab.").waitFor();
});

test("a device that is signed out by another ends at once, with a plain sentence", async () => {
  await alice.signIn();
  await alice.open("Garden");
  const other = await Person.at(browser, node.url, "alice");
  await other.signIn();
  await other.goTo("Settings");
  const buttons = other.page.getByRole("button", { name: /^Sign out: / });
  await buttons.first().waitFor();
  for (let left = await buttons.count(); left > 0; left--) {
    await buttons.first().click();
    const question = other.page.getByRole("dialog", { name: /^Sign out / });
    await question.getByRole("button", { name: "Sign out" }).click();
    await question.waitFor({ state: "hidden" });
    await until(async () => expect(await buttons.count()).toBe(left - 1));
  }
  await alice.page.getByRole("button", { name: "Sign in" }).waitFor();
  await alice.page.getByRole("status").filter({ hasText: /signed out/i }).waitFor();
  await other.page.getByRole("heading", { name: "Settings" }).waitFor(); // that one goes on
  await other.leave();
});
