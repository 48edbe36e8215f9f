// Takes screenshots of the page with made-up data, under the product's CSP, and runs axe on each.
// node src/ui/dev/shoot.mjs [name-filter]; pictures in /tmp/shots. Development only.
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";
import { serve } from "./serve.mjs";

const only = process.argv[2] ?? "";
const { server, url } = await serve("/tmp/hearth-dev");
const axe = readFileSync(new URL("../../../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"] });

const garden = "#/room/" + "room1".padEnd(43, "r");
const kitchen = "#/room/" + "room2".padEnd(43, "r");
const readonly = "#/room/" + "room5".padEnd(43, "r");
const click = (name, role = "button") => async (page) => page.getByRole(role, { name, exact: false }).first().click();

const shots = [
  { name: "signin", path: "?signedout#/" },
  { name: "signin-phone-dark-zh", path: "?signedout#/", width: 360, dark: true, lang: "zh-CN" },
  { name: "register", path: "?signedout#/invite/admin" },
  { name: "register-bad", path: "?signedout#/invite/bad", width: 360 },
  { name: "register-errors", path: "?signedout&registration=open#/", act: async (p) => { await p.getByRole("button", { name: "Create an account" }).click(); await p.getByLabel("Username").fill("A"); await p.getByRole("button", { name: "Create account" }).click(); } },
  { name: "home", path: "#/" },
  { name: "garden", path: garden },
  { name: "garden-dark", path: garden, dark: true },
  { name: "garden-1920", path: garden, width: 1920, height: 1080 },
  { name: "garden-1920-dark-zh-info", path: garden, width: 1920, height: 1080, dark: true, lang: "zh-CN", act: click("房间详情") },
  { name: "garden-768", path: garden, width: 768, height: 1024 },
  { name: "garden-360", path: garden, width: 360, height: 740 },
  { name: "garden-360-dark", path: garden, width: 360, height: 740, dark: true },
  { name: "home-360", path: "#/", width: 360, height: 740 },
  { name: "home-360-zh-dark", path: "#/", width: 360, height: 740, lang: "zh-CN", dark: true },
  { name: "kitchen-unread", path: kitchen },
  { name: "readonly", path: readonly },
  { name: "offline", path: "?offline" + garden, act: async (p) => { await p.getByRole("textbox", { name: "Message" }).fill("This waits here"); await p.keyboard.press("Enter"); await p.waitForTimeout(1600); } },
  { name: "offline-360", path: "?offline&ws" + garden, width: 360, height: 740, act: (p) => p.waitForTimeout(1600) },
  { name: "failed", path: garden, act: async (p) => { await p.getByRole("textbox", { name: "Message" }).fill("this will fail"); await p.keyboard.press("Enter"); await p.waitForTimeout(400); } },
  { name: "menu", path: garden, act: async (p) => { const m = p.locator("article").nth(3); await m.focus(); await p.keyboard.press("Enter"); await p.waitForTimeout(300); } },
  { name: "hover", path: garden, act: async (p) => { await p.getByText("I bring bread").hover(); } },
  { name: "emoji", path: garden, act: async (p) => { await p.locator(".composer").getByRole("button", { name: "Emoji" }).click(); await p.waitForTimeout(900); } },
  { name: "mention", path: garden, act: async (p) => { await p.getByRole("textbox", { name: "Message" }).pressSequentially("Hello @"); await p.waitForTimeout(500); } },
  { name: "emoji-complete", path: garden, act: async (p) => { await p.getByRole("textbox", { name: "Message" }).pressSequentially("Hello :smi"); await p.waitForTimeout(900); } },
  { name: "reply", path: garden, act: async (p) => { await p.getByText("I bring bread").hover(); await p.getByRole("button", { name: "Reply", exact: true }).click(); } },
  { name: "thread", path: garden, act: async (p) => { await p.getByRole("button", { name: /5 replies/ }).click(); await p.waitForTimeout(400); } },
  { name: "members", path: garden, act: click("Members,") },
  { name: "members-360", path: garden, width: 360, height: 740, act: async (p) => { await p.getByRole("button", { name: "Room menu" }).click(); await p.getByRole("menuitem", { name: "Members" }).click(); } },
  { name: "search", path: garden, act: async (p) => { await p.locator(".room-head").getByRole("button", { name: "Search" }).click(); await p.getByRole("searchbox", { name: "Search messages" }).fill("pump"); await p.waitForTimeout(700); } },
  { name: "pins", path: garden, act: click("Pinned messages") },
  { name: "info", path: garden, act: click("Room details") },
  { name: "newroom", path: "#/", act: async (p) => { await click("New room")(p); } },
  { name: "newroom-360-dark", path: "#/", width: 360, height: 740, dark: true, act: async (p) => { await click("New room")(p); } },
  { name: "switcher", path: garden, act: async (p) => { await p.keyboard.press("Control+k"); } },
  { name: "find", path: "#/find" },
  { name: "settings", path: "#/settings" },
  { name: "settings-360-zh", path: "#/settings", width: 360, height: 740, lang: "zh-CN" },
  { name: "admin-users", path: "#/admin" },
  { name: "admin-invites", path: "#/admin", act: async (p) => { await p.getByRole("tab", { name: "Invites" }).click(); await p.getByRole("button", { name: "Make invite link" }).click(); } },
  { name: "admin-rooms", path: "#/admin", dark: true, act: async (p) => { await p.getByRole("tab", { name: "Rooms" }).click(); } },
  { name: "admin-health", path: "#/admin", act: async (p) => { await p.getByRole("tab", { name: "Health" }).click(); } },
  { name: "admin-360", path: "#/admin", width: 360, height: 740 },
  { name: "fed-admin", path: "#/admin", act: async (p) => { await p.getByRole("tab", { name: "Federation" }).click(); await p.waitForTimeout(400); } },
  { name: "fed-admin-dark-zh", path: "#/admin", dark: true, lang: "zh-CN", act: async (p) => { await p.getByRole("tab", { name: "联邦" }).click(); await p.waitForTimeout(400); } },
  { name: "fed-admin-360", path: "#/admin", width: 360, height: 740, act: async (p) => { await p.getByRole("tab", { name: "Federation" }).click(); await p.getByRole("button", { name: "Make node link" }).click(); await p.getByRole("textbox", { name: "Invite link" }).fill("nowhere.example"); await p.getByRole("button", { name: "Join", exact: true }).click(); await p.waitForTimeout(400); await p.locator(".peers").scrollIntoViewIfNeeded(); } },
  { name: "fed-reports", path: "#/admin", act: async (p) => { await p.getByRole("tab", { name: "Reports" }).click(); await p.waitForTimeout(400); } },
  { name: "fed-reports-360-dark", path: "#/admin", width: 360, height: 740, dark: true, act: async (p) => { await p.getByRole("tab", { name: "Reports" }).click(); await p.waitForTimeout(400); } },
  { name: "fed-requests", path: garden, act: async (p) => { await p.getByRole("button", { name: "3 requests" }).click(); await p.waitForTimeout(300); await p.locator(".requests").scrollIntoViewIfNeeded(); } },
  { name: "fed-requests-360-zh", path: "#/", width: 360, height: 740, lang: "zh-CN", act: async (p) => { await p.getByRole("button", { name: "3 个请求" }).click(); await p.waitForTimeout(300); await p.locator(".requests").scrollIntoViewIfNeeded(); } },
  { name: "fed-nodes", path: garden, act: async (p) => { await click("Room details")(p); await p.waitForTimeout(400); await p.locator(".room-nodes").scrollIntoViewIfNeeded(); } },
  { name: "fed-nodes-dark", path: garden, dark: true, act: async (p) => { await click("Room details")(p); await p.waitForTimeout(400); await p.getByRole("button", { name: "Actions for allotment" }).click(); await p.waitForTimeout(300); } },
  { name: "fed-bannode", path: garden, act: async (p) => { await click("Room details")(p); await p.getByRole("button", { name: "Ban another node" }).click(); await p.getByRole("dialog").getByRole("button", { name: "Ban node" }).click(); } },
  { name: "fed-person", path: garden, act: async (p) => { await p.locator("button.author", { hasText: "Farah" }).last().click(); await p.waitForTimeout(300); } },
  { name: "fed-person-360-zh", path: garden, width: 360, height: 740, lang: "zh-CN", act: async (p) => { await p.locator("button.author").first().click(); await p.waitForTimeout(300); } },
  { name: "fed-report", path: garden, act: async (p) => { await p.locator("article", { hasText: "Wonderful. <b>" }).focus(); await p.keyboard.press("Enter"); await p.getByRole("menuitem", { name: "Report" }).click(); await p.waitForTimeout(300); } },
  { name: "fed-frozen", path: "#/room/" + "room4".padEnd(43, "r") },
  { name: "fed-find", path: "#/find", act: async (p) => { await p.getByRole("combobox", { name: "On which node" }).fill("orchard.example"); await p.waitForTimeout(900); } },
  { name: "fed-find-address", path: "#/find", width: 360, height: 740, act: async (p) => { await p.getByRole("searchbox", { name: "Search public rooms" }).fill("#plums@orchard.example"); await p.getByRole("button", { name: "Join: #plums" }).click(); await p.waitForTimeout(400); } },
  { name: "fed-conversation", path: "#/", act: async (p) => { await p.getByRole("button", { name: "Add" }).click(); await p.getByRole("menuitem", { name: "New conversation" }).click(); await p.getByRole("textbox", { name: "Find a person" }).fill("zoe@orchard.example"); await p.waitForTimeout(400); } },
  { name: "fed-stranger", path: "#/room/" + "room30".padEnd(43, "r") },
  { name: "fed-settings", path: "#/settings", act: async (p) => { await p.getByRole("heading", { name: "Blocked" }).scrollIntoViewIfNeeded(); } },
  { name: "edits", path: garden, act: async (p) => { await p.getByRole("button", { name: /^edited/ }).click(); } },
  { name: "delete", path: garden, act: async (p) => { await p.locator("article", { hasText: "I bring bread" }).focus(); await p.keyboard.press("Enter"); await p.getByRole("menuitem", { name: "Delete" }).click(); await p.waitForTimeout(200); } },
  { name: "format", path: garden, act: click("Formatting help") },
  { name: "jump", path: garden + "/event/" + "e000500".padEnd(43, "x") },
  { name: "notfound", path: "#/room/nope" },
];

let bad = 0;
for (const shot of shots.filter((s) => s.name.includes(only))) {
  const context = await browser.newContext({ viewport: { width: shot.width ?? 1440, height: shot.height ?? 900 }, colorScheme: shot.dark ? "dark" : "light", locale: shot.lang ?? "en-GB", hasTouch: shot.width === 360 });
  const page = await context.newPage();
  const problems = [];
  page.on("console", (m) => ["error", "warning"].includes(m.type()) && problems.push(m.text()));
  page.on("pageerror", (e) => problems.push(String(e)));
  try {
    await page.goto(url + shot.path);
    await page.waitForSelector(".welcome-card form, .shell");
    await page.waitForTimeout(shot.path.includes("/room/") ? 700 : 350);
    await shot.act?.(page);
    await page.waitForTimeout(350);
    await page.screenshot({ path: `/tmp/shots/${shot.name}.png` });
    if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) problems.push("scrolls sideways");
    const cdp = await context.newCDPSession(page); // DevTools evaluation: not subject to the page's CSP
    await cdp.send("Runtime.evaluate", { expression: axe });
    const result = await cdp.send("Runtime.evaluate", { expression: "axe.run().then(r => JSON.stringify(r.violations.map(v => `${v.impact} ${v.id}: ${v.nodes.slice(0,3).map(n => n.target.join(' ') + ' ' + (n.any[0]?.message ?? n.all[0]?.message ?? n.none[0]?.message ?? '')).join(' | ')}`)))", awaitPromise: true, returnByValue: true });
    for (const v of JSON.parse(result.result.value ?? "[]")) problems.push("axe " + v);
  } catch (e) {
    problems.push(String(e).slice(0, 400));
    await page.screenshot({ path: `/tmp/shots/${shot.name}.png` });
  }
  if (problems.length) bad++;
  console.log(shot.name, problems.length ? "\n   " + [...new Set(problems)].join("\n   ") : "ok");
  await context.close();
}
await browser.close();
server.close();
process.exitCode = bad ? 1 : 0;
