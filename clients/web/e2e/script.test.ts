// Test 17: nothing that people write runs, or fetches anything from elsewhere, in whatever
// field they write it, and the page goes on working.
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Api } from "./api.ts";
import { Node } from "./node.ts";
import { payloads, short } from "./payloads.ts";
import { launch, Person } from "./person.ts";
import { until } from "./until.ts";

/** All of them with HEARTH_FULL=1; else every fifth, of each kind some. */
const tried = process.env["HEARTH_FULL"] ? payloads : payloads.filter((_, i) => i % 5 === 0);

let browser: Browser;
let node: Node;
let mallory: Api;
let alice: Person;
let hers: Api;
/** What must stay empty: dialogs, requests to elsewhere, violations, new windows. */
const happened: string[] = [];

beforeAll(async () => {
  expect(payloads.length).toBeGreaterThan(1_000);
  [browser, node] = await Promise.all([launch(), Node.start("--request-rate", "0")]);
  await node.addUser("alice", "--admin");
  await node.addUser("mallory", "--admin");
  mallory = await Api.login(node.url, "mallory");
  hers = await Api.login(node.url, "alice");
  alice = await Person.at(browser, node.url, "alice", { viewport: { width: 1280, height: 2400 } }); // much at a time
  alice.page.on("dialog", (dialog) => (happened.push(`dialog: ${dialog.message()}`), void dialog.dismiss()));
  alice.page.on("popup", (popup) => happened.push(`window: ${popup.url()}`));
  alice.context.on("request", (request) => {
    const { protocol, origin } = new URL(request.url());
    if (origin !== new URL(node.url).origin && protocol !== "blob:" && protocol !== "data:") happened.push(`request: ${request.url()}`);
  });
  await alice.page.addInitScript(() => {
    const state = window as Window & { __ran?: number; __violations?: string[] };
    state.__violations = [];
    document.addEventListener("securitypolicyviolation", (e) => state.__violations!.push(`${e.violatedDirective} ${e.blockedURI} ${e.sample}`));
  });
  await alice.page.reload();
  await alice.signIn();
});

afterAll(async () => {
  await browser?.close();
  await node?.stop();
});

async function nothingRan(): Promise<void> {
  const seen = await alice.page.evaluate(() => {
    const { __ran, __violations } = window as Window & { __ran?: number; __violations?: string[] };
    const foreign = [...document.querySelectorAll("script, iframe, object, embed, base, link[rel=stylesheet], form[action]")].map((e) => e.outerHTML.slice(0, 120));
    const handlers = [...document.querySelectorAll("*")].flatMap((e) => [...e.attributes].filter((a) => /^on/.test(a.name)).map((a) => `${e.tagName} ${a.name}`));
    const hrefs = [...document.querySelectorAll<HTMLAnchorElement>("a[href]")].map((a) => a.protocol).filter((p) => !["https:", "http:", "mailto:"].includes(p));
    return { ran: __ran ?? 0, violations: __violations ?? [], foreign, handlers, hrefs };
  });
  expect(seen.ran).toBe(0);
  expect(seen.violations).toEqual([]);
  expect(seen.foreign.filter((e) => !/^<(script|link)[^>]* (src|href)="\.?\/(assets|dev)\//.test(e))).toEqual([]);
  expect(seen.handlers).toEqual([]);
  expect(seen.hrefs).toEqual([]);
  expect(happened).toEqual([]);
  expect(alice.complaints).toEqual([]);
}

async function works(word: string): Promise<void> {
  await alice.say(`still ${word}`);
  await until(async () => expect(await alice.message(`still ${word}`).count()).toBe(1));
}

test("in messages, replies, threads and pins", async () => {
  const { room } = await mallory.do("RoomCreate", { alias: "lab", name: "Lab", public: true, key: mallory.key() });
  await hers.do("RoomJoin", { room });
  await alice.open("Lab");
  const ids: string[] = [];
  for (let i = 0; i < tried.length; i += 8) {
    const sent = tried.slice(i, i + 8).map((text) => mallory.send(room, text).catch(refused));
    ids.push(...(await Promise.all(sent)).filter((id) => id !== undefined));
  }
  expect(ids.length).toBeGreaterThan(tried.length * 0.9);
  for (let i = 0; i < 20; i++) ids.push(await mallory.send(room, payloads[i * 37]!, { reply_to: ids[(i * 11) % ids.length], emote: i % 2 === 0 }));
  for (let i = 0; i < 20; i++) await mallory.send(room, payloads[i * 41]!, { thread: ids[ids.length - 21 - i] });
  for (let i = 0; i < 5; i++) await mallory.do("Pin", { room, event: ids[Math.floor((i * ids.length) / 5)], on: true, key: mallory.key() });
  // Once through all of it from the newest on, each message being made.
  await alice.messages.locator(`[data-event="${ids[ids.length - 1]}"]`).waitFor();
  let shown = 0;
  const seen = new Set<string>();
  await alice.messages.hover();
  const beginning = alice.messages.getByText("mallory created the room");
  for (let all = false; !all; ) {
    all = (await beginning.count()) > 0 && (await alice.messages.evaluate((log) => log.scrollTop)) === 0; // what is there now is the rest
    for (const key of await alice.messages.evaluate(async (log) => {
      const here = [...log.querySelectorAll<HTMLElement>("[data-event]")].map((e) => e.dataset["event"]!);
      log.scrollTop = Math.max(0, log.scrollTop - log.clientHeight * 0.8);
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      return here;
    })) seen.add(key);
    if (seen.size - shown > 250) {
      shown = seen.size;
      await nothingRan();
    }
  }
  expect(ids.filter((id) => !seen.has(id))).toEqual([]);
  await alice.page.getByRole("button", { name: "Pinned messages" }).click();
  await alice.page.getByRole("complementary", { name: "Pinned messages" }).getByRole("listitem").first().waitFor();
  await nothingRan();
  await alice.page.getByRole("button", { name: "Close panel" }).click();
  await works("here");
});

test("a click on each link that there is leads nowhere but where it says, in a new window", async () => {
  const targets = await alice.messages.evaluate((log) => [...log.querySelectorAll<HTMLAnchorElement>("a[href]")].map((a) => ({ rel: a.rel, target: a.target, href: a.href })));
  for (const { rel, target, href } of targets) {
    if (href.startsWith(node.url)) continue;
    expect(target, href).toBe("_blank");
    expect(rel, href).toMatch(/noopener/);
    expect(rel, href).toMatch(/noreferrer/);
  }
});

test("in names, statuses and search", async () => {
  const { room } = await mallory.do("RoomCreate", { alias: "names", name: "Names", public: true, key: mallory.key() });
  await hers.do("RoomJoin", { room });
  await alice.open("Names");
  await alice.page.getByRole("button", { name: /^Members/ }).click();
  const names = short(64);
  for (const [i, name] of names.entries()) {
    await mallory.do("ProfileSet", { display_name: name, status: short(100)[i % names.length] }).catch(refused);
    await mallory.send(room, `said as number ${i}`);
  }
  await alice.sees(`said as number ${names.length - 1}`);
  await nothingRan();
  await alice.page.getByRole("button", { name: "Search", exact: true }).click();
  await alice.page.getByRole("searchbox", { name: "Search messages" }).fill("window");
  await alice.page.getByRole("radio", { name: "All rooms" }).check({ force: true });
  await alice.page.getByRole("button", { name: "Show in room" }).first().waitFor();
  await nothingRan();
  await alice.page.getByRole("button", { name: "Close panel" }).click();
  await works("named");
});

test("in rooms' names, topics and addresses, reactions, reasons and notes", async () => {
  const { room } = await mallory.do("RoomCreate", { alias: "signs", name: "Signs", public: true, key: mallory.key() });
  await hers.do("RoomJoin", { room });
  await alice.open("Signs");
  const event = await mallory.send(room, "react to this");
  const texts = short(100);
  for (const [i, text] of texts.entries()) {
    await mallory.do("RoomSet", { room, settings: { name: text, topic: short(500)[i], public: true, alias: "signs" } }).catch(refused);
    await mallory.do("React", { room, event, emoji: [...text].slice(0, 10).join(""), on: true, key: mallory.key() }).catch(refused);
    await mallory.do("AdminInviteCreate", { note: text, uses: 1 }).catch(refused);
    if (i % 4 === 0) {
      await mallory.do("RoomBan", { room, user: "bob@" + node.name, reason: text }).catch(refused);
      await mallory.do("RoomUnban", { room, user: "bob@" + node.name, reason: text }).catch(refused);
      await mallory.do("RoomCreate", { name: text, topic: text, public: true, key: mallory.key(), alias: text.toLowerCase() }).catch(() => mallory.do("RoomCreate", { name: text, topic: text, public: true, invite: ["alice"], key: mallory.key() }).catch(refused));
    }
  }
  await nothingRan();
  await works("signed");
  await alice.page.getByRole("button", { name: "Find rooms" }).click();
  await alice.page.getByRole("button", { name: /^Join: / }).first().waitFor();
  await nothingRan();
  await alice.goTo("Administration");
  for (const tab of ["Invites", "Rooms", "Health", "Users"]) {
    await alice.page.getByRole("tab", { name: tab }).click();
    await alice.page.getByRole("tabpanel", { name: tab }).getByRole("listitem").first().or(alice.page.getByRole("row").first()).or(alice.page.getByText("Checks")).first().waitFor();
    await nothingRan();
  }
});

test("in the address", async () => {
  for (const hash of ["#/room/<img src=x onerror=window.__ran=1>", "#/room/javascript:window.__ran=1/event/x", "#/invite/\"><script>window.__ran=1</script>", "#javascript:window.__ran=1", "#/room/%", "#/room/__proto__", "#//evil.example"]) {
    await alice.page.goto(node.url + "/" + hash);
    await alice.rooms.waitFor();
    await nothingRan();
  }
});

/** The node may refuse a text; that is as good. */
function refused(error: unknown): undefined {
  if (!/bad_request|too_large|taken|not_found|invalid_argument|limited|conflict|400|404|409|429/.test(String(error))) throw error;
}
