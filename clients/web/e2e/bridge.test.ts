// Somebody in the page and somebody on IRC talk through a bridge that an administrator adds in
// the page and an operator of the channel confirms.
import { writeFile } from "node:fs/promises";
import type { AddressInfo, Server } from "node:net";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { detour, IrcPerson, IrcServer } from "./irc.ts";
import { Node } from "./node.ts";
import { launch, Person } from "./person.ts";

/** By number: Chromium tries IPv6 first for a name, and complains of it. */
const address = (of: Node): string => `https://127.0.0.1:${of.port}`;

let browser: Browser;
let node: Node;
let irc: IrcServer;
let way: Server; // by which the bridge goes to it
let alice: Person; // in the page, administrator
let olga: IrcPerson; // on IRC, operator of the channel

beforeAll(async () => {
  irc = await IrcServer.start(); // each as it is there, so that afterAll ends it whatever else fails
  way = await detour(irc.port, "last summer", "2024-07-14T12:00:00.000Z");
  node = await Node.named();
  browser = await launch();
  alice = await Person.at(browser, address(node), "alice");
  await alice.register(node.adminLink);
  await node.hearth("room", "create", "garden", "--public", "--profile", await node.login("alice"));
  olga = await IrcPerson.on(irc, "olga", "#beans");
});

afterAll(async () => {
  olga?.leave();
  await browser?.close();
  await node?.stop();
  way?.close();
  await irc?.close();
});

test("a bridge is added in the page, and an operator of the channel confirms it", async () => {
  const { page } = alice;
  await page.goto(`${address(node)}/#/admin`);
  await page.getByRole("tab", { name: "Bridges" }).click();
  await page.getByRole("combobox", { name: "Network", exact: true }).selectOption("irc");
  await page.getByLabel("Name", { exact: true }).fill("libera");
  await page.getByRole("button", { name: "Add bridge" }).click();
  await page.getByText("Servers is missing.").waitFor();
  await page.getByLabel("Servers").fill(`127.0.0.1:${(way.address() as AddressInfo).port}`);
  await page.getByLabel("Nick", { exact: true }).fill("hearthling");
  await page.getByText("More settings").click();
  await page.getByLabel("TLS", { exact: true }).uncheck();
  await page.getByLabel("Pause").fill("10");
  await page.getByLabel("Corrections").fill("1");
  await page.getByRole("button", { name: "Add bridge" }).click();

  const notice = page.getByRole("status").filter({ hasText: "libera was added." });
  expect(await notice.evaluate((e) => e.lastElementChild!.getBoundingClientRect().top < e.firstElementChild!.getBoundingClientRect().bottom)).toBe(true); // what closes it stands beside the words
  const card = page.getByRole("listitem", { name: "libera" });
  await card.getByText("Connected", { exact: true }).first().waitFor();
  await card.getByRole("button", { name: "Link a channel" }).click();
  await card.getByLabel("Room").fill(`#garden@${node.name}`);
  await card.getByLabel("Channel", { exact: true }).fill("#beans");
  await card.getByRole("button", { name: "Link", exact: true }).click();
  const code = await card.getByLabel("Code", { exact: true }).inputValue();
  expect(code).toMatch(/^[A-Z0-9]{8}$/);

  const stranger = await IrcPerson.on(irc, "stranger", "#beans");
  stranger.say(`PRIVMSG #beans :!link ${code}`); // who is no operator has no say
  olga.say("PRIVMSG #beans :nothing of this is relayed yet");
  await olga.hears("PRIVMSG #beans :!link");
  olga.say(`PRIVMSG #beans :!link ${code}`);
  await card.getByText(/confirmed by olga/).waitFor();
  stranger.leave();

  // Its settings change while it goes on; a secret is not shown again.
  await card.getByRole("button", { name: "Settings #beans", exact: true }).click();
  const settings = page.getByRole("dialog", { name: "#beans: Settings" });
  await settings.getByLabel("Channel's key").fill("sesame");
  await settings.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText("Saved. The link goes on with these settings.").waitFor();
  await card.getByRole("button", { name: "Settings #beans", exact: true }).click();
  expect(await settings.getByLabel("Channel's key").inputValue()).toBe("");
  await page.keyboard.press("Escape");
  await card.getByText(/confirmed by olga/).waitFor();
});

test("they talk, answer, correct, react", async () => {
  const { page } = alice;
  await page.goto(`${address(node)}/#/`);
  await alice.open("garden");
  await page.getByText("joins this room to #beans").waitFor();
  olga.say("PRIVMSG #beans :hello \x02bold\x02 gardeners");
  await alice.sees("hello bold gardeners");
  const first = alice.message("hello bold gardeners");
  expect(await first.getAttribute("aria-label")).toContain("olga");
  expect(await first.getByText("libera", { exact: true }).count()).toBe(1); // of which network she is
  await alice.say("hello *olga*");
  await olga.hears("hello");
  expect(await olga.hears("hello")).toMatch(/PRIVMSG #beans :.*a.*lice.*hello/);

  await alice.act("hello bold gardeners", "Reply");
  await alice.say("the beans are up");
  await olga.hears("the beans are up");
  expect(await olga.hears("the beans are up")).toContain("olga");

  await alice.say("harvest on Sunday");
  await olga.hears("harvest on Sunday");
  await alice.act("harvest on Sunday", "Edit");
  await alice.composer.fill("harvest on Saturday");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await olga.hears("Saturday");

  olga.say("PRIVMSG #beans :alice: I will be there");
  await alice.sees("I will be there");

  await alice.react("I will be there", "tomato");
  expect(await olga.hears("+draft/react=🍅")).toMatch(/TAGMSG :?#beans/);
  const id = /msgid=([^; ]+)/.exec(await olga.hears("the beans are up"))?.[1];
  olga.say(`@+draft/react=🎉;+reply=${id} TAGMSG #beans`);
  await alice.message("the beans are up").getByRole("button", { name: "🎉, 1 person" }).waitFor();
  expect(await page.getByText("nothing of this is relayed yet").count()).toBe(0);
  expect(alice.complaints).toEqual([]);
});

test("what was said over there long before it came shows when it was said, wherever it is shown", async () => {
  const { page } = alice;
  olga.say("PRIVMSG #beans :the onions of last summer");
  await alice.sees("the onions");
  expect(await alice.message("the onions").locator(".message-head").innerText()).toMatch(/olga.*14 Jul 2024.*sent earlier/s);
  await alice.choose("the onions", "Pin");
  await page.getByRole("button", { name: "Pinned messages" }).click();
  const pin = page.getByRole("complementary").getByRole("listitem").filter({ hasText: "the onions" });
  await pin.getByText("sent earlier").waitFor();
  expect(await pin.innerText()).toMatch(/olga.*libera.*14 Jul 2024/s);
  await page.getByRole("button", { name: "Pinned messages" }).click();
});

test("the page says when the IRC server dies, and when it is back; nothing is lost in between", async () => {
  const { page } = alice;
  await irc.stop();
  await page.getByText(/#beans on libera: (down|connecting|degraded)/).waitFor();
  await alice.say("said while the server was away");
  await irc.resume();
  olga = await IrcPerson.on(irc, "olga", "#beans");
  await olga.hears("said while the server was away");
  await page.getByText(/#beans on libera: (down|connecting|degraded)/).waitFor({ state: "hidden" });
  olga.say("PRIVMSG #beans :good to have you back");
  await alice.sees("good to have you back");
  await page.getByRole("button", { name: "Room details" }).click();
  await page.getByRole("region", { name: "Bridges" }).getByText("Connected").waitFor();
});

test("people of another node take part: the node that has the bridge relays for all", async () => {
  const other = await Node.named();
  try {
    await other.join(await node.nodeInvite());
    const bob = await Person.at(browser, address(other), "bob");
    await bob.register(other.adminLink);
    await other.hearth("room", "join", `#garden@${node.name}`, "--profile", await other.login("bob"));
    await bob.open("garden");
    await bob.say("greetings from another node");
    await olga.hears("greetings from another node");
    olga.say("PRIVMSG #beans :well met, bob");
    await bob.sees("well met");
    const said = bob.message("well met");
    expect(await said.getAttribute("aria-label")).toContain("olga");
    await said.getByText("libera", { exact: true }).waitFor();
    await bob.page.getByRole("button", { name: "Room details" }).click();
    await bob.page.getByRole("region", { name: "Bridges" }).getByText("#beans on libera").waitFor();

    // His file is on his node; who opens the link on IRC gets it through the bridge's.
    await writeFile(join(other.dir, "plan.txt"), "two rows of beans");
    await other.hearth("send", `#garden@${node.name}`, "the plan", "--file", join(other.dir, "plan.txt"), "--profile", await other.login("bob"));
    const link = /https:\/\/\S+\/plan\.txt/.exec(await olga.hears("plan.txt ("))?.[0] ?? "";
    const anybody = await browser.newContext({ ignoreHTTPSErrors: true });
    expect(await (await anybody.request.get(link)).text()).toBe("two rows of beans");
    await anybody.close();
  } finally {
    await other.stop();
  }
});

test("who is in the channel is written to privately, answers, and may have enough of it", async () => {
  const { page } = alice;
  await node.hearth("bridge", "set", "libera", "mode=puppets", "private=on", "--data", "data");
  await page.goto(`${address(node)}/#/`);
  await alice.open("garden");
  const bridges = page.getByRole("region", { name: "Bridges" });
  const details = page.getByRole("button", { name: "Room details" });
  if ((await details.getAttribute("aria-pressed")) !== "true") await details.click(); // what is in it may take a moment
  await bridges.getByText(/people there|person there/).click();
  await bridges.getByRole("button", { name: "Actions for olga" }).click();
  await page.getByRole("menuitem", { name: "Write to olga privately" }).click();
  await page.getByRole("heading", { name: "olga on libera" }).first().waitFor();
  const [again] = await node.hearth("bridge", "private", "libera", "Olga", "--profile", await node.login("alice"));
  expect(page.url()).toContain(String(again?.["room"])); // found again
  await alice.say("between the two of us");
  const heard = await olga.hears("between the two of us");
  expect(heard).toMatch(/^(@\S+ )?:alice!\S+ PRIVMSG olga :/);
  olga.say("PRIVMSG alice :of course");
  await alice.sees("of course");
  olga.say("PRIVMSG alice :!block");
  await olga.hears("You will not hear from alice@");
  await page.getByText(/does not want to be written to/).first().waitFor();
  expect(alice.complaints).toEqual([]);
});
