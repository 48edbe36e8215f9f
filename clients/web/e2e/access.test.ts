// For everybody: no serious finding of axe-core on any view, in both themes and both
// languages, on a phone and on a desk; all of it by the keyboard alone; and the page is
// light enough to come quickly.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Browser, Page } from "playwright-core";
import type { AxeResults } from "axe-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { en as enTexts } from "../src/i18n/en.ts";
import { admin as enAdmin } from "../src/i18n/admin/en.ts";
import { admin as zhAdmin } from "../src/i18n/admin/zh.ts";
import { panels as enPanels } from "../src/i18n/panels/en.ts";
import { panels as zhPanels } from "../src/i18n/panels/zh.ts";
import { settings as enSettings } from "../src/i18n/settings/en.ts";
import { settings as zhSettings } from "../src/i18n/settings/zh.ts";
import { zh as zhTexts } from "../src/i18n/zh.ts";

import { Api } from "./api.ts";
import { Node, password } from "./node.ts";
import { launch, Person } from "./person.ts";
import { until } from "./until.ts";

const en = { ...enTexts, ...enPanels, admin: enAdmin, settings: enSettings };
const zh: typeof en = { ...zhTexts, ...zhPanels, admin: zhAdmin, settings: zhSettings };
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let browser: Browser;
let node: Node;
let room: string;
let starter: string;

beforeAll(async () => {
  [browser, node] = await Promise.all([launch(), Node.start()]);
  await node.addUser("alice", "--admin");
  await node.addUser("bob");
  const [a, b] = [await Api.login(node.url, "alice"), await Api.login(node.url, "bob")];
  ({ room } = await a.do("RoomCreate", { alias: "garden", name: "Garden", topic: "Seeds, soil and slugs", public: true, key: a.key() }));
  await b.do("RoomJoin", { room });
  await a.do("RoomCreate", { alias: "kitchen", name: "Kitchen", key: a.key() });
  starter = await b.send(room, "Has **anybody** seen my _watering can_? See https://example.org/cans and `can --find`");
  await b.send(room, "```go\nfunc main() { println(\"rain\") }\n```\n> it is in the shed\n\n1. look\n2. find");
  await a.send(room, "@bob it is behind the compost, @room", { reply_to: starter });
  await b.send(room, "waves", { emote: true });
  await b.send(room, "Found it", { thread: starter });
  await a.do("React", { room, event: starter, emoji: "🌱", on: true, key: a.key() });
  await a.do("Pin", { room, event: starter, on: true, key: a.key() });
  const gone = await b.send(room, "a slip of the tongue");
  await b.do("Delete", { room, event: gone, key: b.key() });
  const changed = await b.send(room, "Tank you");
  await b.do("Edit", { room, event: changed, text: "Thank you", key: b.key() });
  const direct = await b.do("RoomDirect", { user: a.user });
  await b.send(direct.room, "Between us");
  const { room: shed } = await b.do("RoomCreate", { alias: "shed", name: "Shed", invite: [a.user], key: b.key() });
  expect(shed).toBeTruthy();
  a.close();
  b.close();
});

afterAll(async () => {
  await browser?.close();
  await node?.stop();
});

/** No serious or critical finding, and nothing to scroll sideways. */
async function fine(page: Page, where: string): Promise<void> {
  await page.evaluate(() => Promise.all(document.getAnimations().map((a) => (a.effect?.getComputedTiming().iterations === Infinity ? null : a.finished.catch(() => {})))));
  // Rows that the list has not measured yet are hidden, and a button in them has no name: what counts is what stays.
  await until(async () => {
    const { violations } = await page.evaluate(() => (window as unknown as { axe: { run: (options: object) => Promise<AxeResults> } }).axe.run({ resultTypes: ["violations"] }));
    const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical").map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((n) => `${n.html.slice(0, 160)} ${n.failureSummary?.replaceAll(/\s+/g, " ").slice(0, 240)}`).join(" | ")}`);
    expect(serious, where).toEqual([]);
  });
  await until(async () => {
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(wide, `${where}: pixels to scroll sideways`).toBeLessThanOrEqual(0);
  });
}

const views = [
  ["light", "en-GB", 1440, 900],
  ["dark", "en-GB", 360, 740],
  ["dark", "zh-CN", 1440, 900],
  ["light", "zh-CN", 360, 740],
] as const;

for (const [colorScheme, locale, width, height] of views) {
  test(`axe-core: ${colorScheme}, ${locale}, ${width} pixels`, async () => {
    const alice = await Person.at(browser, node.url, "alice", { colorScheme, locale, viewport: { width, height }, reducedMotion: "reduce", bypassCSP: false });
    const { page } = alice;
    await page.addInitScript(axe);
    await page.reload();
    const t = locale === "zh-CN" ? zh : en;
    await page.getByRole("button", { name: t.signIn.submit }).waitFor();
    await fine(page, "sign in");
    await page.getByLabel(t.signIn.username).fill("alice");
    await page.getByRole("button", { name: t.signIn.submit }).click();
    await fine(page, "sign in, something missing");
    await page.getByLabel(t.signIn.password, { exact: true }).fill(password);
    await page.getByRole("button", { name: t.signIn.submit }).click();
    const rooms = page.getByRole("navigation", { name: t.rooms.title });
    await rooms.getByRole("link", { name: /Garden/ }).waitFor();
    await fine(page, "rooms");
    await rooms.getByRole("link", { name: /Garden/ }).click();
    const log = page.getByRole("log", { name: t.timeline.label });
    await log.getByRole("article").nth(5).waitFor();
    await fine(page, "room");
    await log.getByRole("article").first().hover();
    await log.getByRole("toolbar").waitFor();
    await fine(page, "message's actions");
    await log.getByRole("toolbar").getByRole("button").last().click();
    await page.getByRole("menu").waitFor();
    await fine(page, "message's menu");
    await page.keyboard.press("Escape");
    // The focus goes back to where the menu was opened; only then does somebody go on to write.
    await until(async () => expect(await log.getByRole("toolbar").getByRole("button").last().evaluate((e) => e === document.activeElement)).toBe(true));
    await page.getByRole("textbox", { name: t.composer.label }).fill("@");
    await page.getByRole("listbox").getByRole("option").first().waitFor();
    await fine(page, "completion");
    await page.getByRole("textbox", { name: t.composer.label }).fill("");
    await page.getByRole("button", { name: t.composer.emoji, exact: true }).click();
    await page.getByRole("searchbox", { name: t.emoji.search }).waitFor();
    await fine(page, "emoji");
    await page.keyboard.press("Escape");
    await log.getByRole("button", { name: t.timeline.thread(1) }).first().click();
    await page.getByRole("complementary", { name: t.thread.title }).getByRole("article").nth(1).waitFor();
    await fine(page, "thread");
    await page.getByRole("button", { name: t.room.closePanel }).click();
    for (const panel of [t.room.members, t.room.pins, t.room.search, t.room.info]) {
      if (width < 720) {
        await page.getByRole("button", { name: t.room.more }).click();
        await page.getByRole("menuitem", { name: panel, exact: true }).click();
      } else await page.getByRole("banner").or(page.getByRole("main")).getByRole("button", { name: panel === t.room.members ? new RegExp("^" + panel) : panel, exact: panel !== t.room.members }).first().click();
      await page.getByRole("complementary", { name: panel }).getByRole("heading", { level: 2 }).waitFor();
      await fine(page, panel);
      await page.getByRole("button", { name: t.room.closePanel }).click();
    }
    for (const [address, name] of [["settings", t.settings.title], ["admin", t.admin.title], ["find", t.find.title]] as const) {
      await page.goto(`${node.url}/#/${address}`);
      await page.getByRole("heading", { name, level: 1 }).waitFor();
      await page.getByRole("main").getByRole("listitem").first().waitFor();
      await fine(page, address);
      if (address !== "admin") continue;
      for (const tab of await page.getByRole("tab").all()) {
        await tab.click();
        await fine(page, `administration, ${await tab.innerText()}`);
      }
    }
    await page.goto(node.url + "/#/");
    await page.getByRole("button", { name: t.newRoom.title }).click();
    await page.getByRole("dialog", { name: t.newRoom.title }).waitFor();
    await fine(page, "new room");
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "hidden" });
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox").waitFor();
    await fine(page, "switch room");
    await alice.leave();
  });
}

test("all by the keyboard: sign in, switch rooms, write, react, a thread, and back", async () => {
  const alice = await Person.at(browser, node.url, "alice");
  const { page } = alice;
  const { keyboard } = page;
  const focused = () => page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.tagName ?? "");
  const inMenu = () => until(async () => expect(await page.evaluate(() => document.activeElement?.closest("[role=menu]") != null)).toBe(true));
  await page.getByLabel("Username").waitFor();
  await until(async () => expect(await page.getByLabel("Username").evaluate((e) => e === document.activeElement)).toBe(true));
  await keyboard.type("alice");
  await keyboard.press("Tab");
  await keyboard.type(password);
  await keyboard.press("Enter");
  await alice.rooms.waitFor();

  await keyboard.press("Control+k");
  await until(async () => expect(await focused()).toBe("Type to find a room or a person"));
  await keyboard.type("gard");
  await keyboard.press("Enter");
  await page.getByRole("heading", { name: "Garden", level: 1 }).waitFor();
  await until(async () => expect(await focused()).toBe("Message"));
  await keyboard.type("typed without a mouse");
  await keyboard.press("Enter");
  await alice.sees("typed without a mouse");

  // Up from the composer's neighbour, the log: arrows walk the messages, Enter opens a menu.
  for (let i = 0; i < 12 && (await focused()) !== "Messages"; i++) await keyboard.press("Shift+Tab");
  if ((await focused()) !== "Messages") await alice.messages.focus();
  await keyboard.press("ArrowUp");
  await until(async () => expect(await focused()).toMatch(/^alice, /));
  await keyboard.press("Enter");
  await inMenu();
  await keyboard.press("ArrowDown");
  await keyboard.type("React");
  await keyboard.press("Enter");
  await page.getByRole("searchbox", { name: "Search emoji" }).waitFor();
  await until(async () => expect(await focused()).toBe("Search emoji"));
  await keyboard.type("tada");
  await until(async () => expect(await page.getByRole("button", { name: /party popper/i }).count()).toBeGreaterThan(0));
  await keyboard.press("Enter");
  await alice.message("typed without a mouse").getByRole("button", { name: /^🎉, 1 person/ }).waitFor();

  await alice.messages.focus();
  await keyboard.press("ArrowUp");
  await until(async () => expect(await focused()).toMatch(/^alice, /));
  await keyboard.press("Enter");
  await inMenu();
  await keyboard.type("Reply in");
  await keyboard.press("Enter");
  const thread = page.getByRole("complementary", { name: "Thread" });
  await until(async () => expect(await thread.getByRole("textbox", { name: "Message" }).evaluate((e) => e === document.activeElement)).toBe(true));
  await keyboard.type("and a reply");
  await keyboard.press("Enter");
  await thread.getByRole("article").filter({ hasText: "and a reply" }).waitFor();
  await keyboard.press("Escape");
  await thread.waitFor({ state: "hidden" });

  await keyboard.press("Control+k");
  await until(async () => expect(await focused()).toBe("Type to find a room or a person"));
  await keyboard.type("kitch");
  await keyboard.press("Enter");
  await page.getByRole("heading", { name: "Kitchen", level: 1 }).waitFor();
  await until(async () => expect(await focused()).toBe("Message"));
  expect(alice.complaints).toEqual([]);
  await alice.leave();
});

test("under 150 KB of compressed JavaScript until the rooms are there", async () => {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  await page.goto(node.url);
  await page.getByLabel("Username").fill("bob");
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("navigation", { name: "Rooms" }).getByRole("link", { name: /Garden/ }).waitFor();

  // What the rooms wait for: the room's own chunk is fetched beside it, and here never comes.
  await page.route(/RoomPage/, () => {});
  const devtools = await context.newCDPSession(page);
  await devtools.send("Network.enable");
  await devtools.send("Network.setCacheDisabled", { cacheDisabled: true });
  const scripts = new Set<string>();
  let bytes = 0;
  devtools.on("Network.responseReceived", ({ requestId, response }) => {
    if (response.mimeType.includes("javascript")) scripts.add(requestId);
  });
  devtools.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    if (scripts.has(requestId)) bytes += encodedDataLength;
  });
  await page.reload();
  await page.getByRole("navigation", { name: "Rooms" }).getByRole("link", { name: /Garden/ }).waitFor();
  console.log(`${(bytes / 1024).toFixed(1)} KB of JavaScript in ${scripts.size} files until the rooms were there`);
  expect(bytes).toBeGreaterThan(30_000);
  expect(bytes).toBeLessThan(150 * 1024);
  await context.close();
});
