// A room of 10,000 messages: opened, scrolled, jumped about in and searched, with only a
// few of them in the document at a time.
import { spawn } from "node:child_process";
import { join } from "node:path";
import type { Browser, Locator } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Api } from "./api.ts";
import { binary, Node } from "./node.ts";
import { launch, Person } from "./person.ts";
import { until } from "./until.ts";

const TOTAL = 10_000;
const TURN = 200; // pixels of the wheel at a time: what was in the middle is still in view
const UNREAD = 2_000; // of them, for Bob

let browser: Browser;
let node: Node;
let alice: Person;
let bob: Person;
let room: string;

beforeAll(async () => {
  [browser, node] = await Promise.all([launch(), Node.start("--request-rate", "0")]);
  await node.addUser("alice", "--admin");
  await node.addUser("bob");
  const [profile, his] = [await node.login("alice"), await node.login("bob")];
  const [made] = await node.hearth("room", "create", "archive", "--public", "--profile", profile);
  room = String(made!["room"]);
  await node.hearth("room", "join", `#archive@${node.name}`, "--profile", his);
  await sendLines(profile, 1, TOTAL - UNREAD);
  const bobs = await Api.login(node.url, "bob");
  const { events } = await bobs.do("History", { room, limit: 1 });
  await bobs.do("Read", { room, pos: events[0].pos });
  bobs.close();
  await sendLines(profile, TOTAL - UNREAD + 1, TOTAL);
});

afterAll(async () => {
  await browser?.close();
  await node?.stop();
});

/** Says lines `from` to `to` in the room with `hearth send -`. */
async function sendLines(profile: string, from: number, to: number): Promise<void> {
  const child = spawn(binary, ["send", `#archive@${node.name}`, "-", "--profile", join(node.dir, profile)], { stdio: ["pipe", "ignore", "inherit"] });
  const ended = new Promise<number | null>((done) => child.once("exit", done));
  const lines = Array.from({ length: to - from + 1 }, (_, i) => line(from + i));
  child.stdin.end(lines.join("\n") + "\n");
  expect(await ended).toBe(0);
}

const line = (i: number) => `line ${i}${i % 7 === 0 ? " with some more words, so that it takes more than one row of the window and heights differ from message to message, as they do among people".repeat(1 + (i % 3)) : ""}${i === 1234 ? " the walrus sings" : ""}${i === 4321 ? " 我们明天去看樱花" : ""}`;

/** The numbers of the lines that are in view, top to bottom. */
function inView(person: Person): Promise<number[]> {
  return person.messages.evaluate((log) => {
    const { top, bottom } = log.getBoundingClientRect();
    return [...log.querySelectorAll<HTMLElement>("article")]
      .filter((a) => a.getBoundingClientRect().bottom > top && a.getBoundingClientRect().top < bottom)
      .map((a) => Number(/line (\d+)/.exec(a.innerText)?.[1] ?? 0));
  });
}

/** How long it took to open the room, each time, in milliseconds. */
const opened: number[] = [];

const inDocument = (person: Person) => person.messages.getByRole("article").count();

test("opens at once at the unread line, with the count in the list of rooms", async () => {
  bob = await Person.at(browser, node.url, "bob");
  await bob.signIn();
  await bob.rooms.getByRole("link", { name: /^archive|^#archive/ }).getByText("999+").waitFor();
  const began = Date.now();
  await bob.open("archive");
  await bob.message(`line ${TOTAL - UNREAD + 1}`).first().waitFor();
  opened.push(Date.now() - began);
  await until(async () => expect(await inView(bob)).toContain(TOTAL - UNREAD + 1));
  await bob.messages.getByText("New", { exact: true }).waitFor();
  expect(await inDocument(bob)).toBeLessThan(300);
});

test("a message of one's own brings the view to the newest", async () => {
  await bob.say("I have read enough");
  await until(async () => {
    const last = bob.message("I have read enough");
    expect(await last.isVisible()).toBe(true);
    expect(await inView(bob)).toContain(TOTAL);
  });
  await bob.page.getByRole("button", { name: "Jump to newest" }).waitFor({ state: "hidden" });
  await bob.rooms.getByRole("link", { name: /archive$/ }).waitFor(); // all is read
});

test("opens at the newest when all is read", async () => {
  alice = await Person.at(browser, node.url, "alice");
  await alice.signIn();
  const began = Date.now();
  await alice.open("archive");
  await alice.message(`line ${TOTAL}`).first().waitFor();
  opened.push(Date.now() - began);
  await until(async () => expect(await inView(alice)).toContain(TOTAL));
  expect(Math.min(...opened)).toBeLessThan(3_000); // the least of them: the machine does other things as well
});

test("in the moment after one scrolled, messages can be clicked", async () => {
  const box = (await alice.messages.boundingBox())!;
  await alice.page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await alice.page.mouse.wheel(0, -TURN);
  await calm(alice);
  const hit = alice.messages.evaluate(async (log) => {
    for (let i = 0; i < 2; i++) await new Promise((done) => log.addEventListener("scroll", done, { once: true }));
    await new Promise((done) => requestAnimationFrame(done));
    const { top, height, left, width } = log.getBoundingClientRect();
    return document.elementFromPoint(left + width / 2, top + height / 2)?.closest("[data-key]") != null;
  });
  for (let i = 0; i < 5; i++) await alice.page.mouse.wheel(0, -TURN);
  expect(await hit).toBe(true);
  await alice.page.getByRole("button", { name: "Jump to newest" }).click();
  await until(async () => expect(await inView(alice)).toContain(TOTAL));
});

test("scrolled up by the wheel, the view never jumps while older pages come", async () => {
  const box = (await alice.messages.boundingBox())!;
  await alice.page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await alice.page.mouse.wheel(0, -TURN); // off the bottom, which holds on to the newest
  await calm(alice);
  await watchFrames(alice, -1);
  const began = Date.now();
  let most = 0;
  for (let i = 0; i < 250; i++) {
    await alice.page.mouse.wheel(0, -TURN);
    if (i % 20 === 0) most = Math.max(most, await inDocument(alice));
  }
  await calm(alice);
  const top = (await inView(alice))[0]!;
  console.log(`scrolled from ${TOTAL} to ${top} in ${Date.now() - began} ms, ${await smooth(alice)}`);
  expect(top).toBeLessThan(TOTAL - 500);
  expect(most).toBeLessThan(300);
});

test("at rest near the upper end, what is read stays where it is while the page above it comes", async () => {
  for (let i = 0; i < 5; i++) {
    const moved = await alice.messages.evaluate(async (log) => {
      const frame = () => new Promise((done) => requestAnimationFrame(done));
      log.scrollTop = 400; // near enough to the end for the next page to come
      const topmost = () => [...log.querySelectorAll<HTMLElement>("article")].find((a) => a.getBoundingClientRect().bottom > log.getBoundingClientRect().top + 40)!;
      for (let i = 0; i < 4; i++) await frame(); // the rows up here are made, and measured
      const anchor = topmost();
      const key = anchor.closest<HTMLElement>("[data-key]")!.dataset["key"]!;
      const at = anchor.getBoundingClientRect().top;
      let worst = 0;
      for (let calm = 0, n = 0; calm < 20 && n < 600; n++) {
        await frame();
        const now = log.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"] article`);
        if (!now) return { worst: Infinity, height: log.scrollHeight };
        worst = Math.max(worst, Math.abs(now.getBoundingClientRect().top - at));
        calm = log.getAttribute("aria-busy") === "true" || log.scrollTop < 1_200 ? 0 : calm + 1;
      }
      return { worst, height: log.scrollHeight };
    });
    expect(moved.worst, `pixels that the message in view moved, page ${i}`).toBeLessThan(6);
  }
});

test("jump to a date, and back to the newest", async () => {
  await alice.page.getByRole("button", { name: "Jump to date" }).click();
  const dialog = alice.page.getByRole("dialog", { name: "Jump to date" });
  await dialog.getByRole("button", { name: "Jump", exact: true }).click(); // today: all was said today
  await until(async () => expect(await inView(alice)).toContain(1));
  expect(await inDocument(alice)).toBeLessThan(300);
  await alice.page.getByRole("button", { name: "Jump to newest" }).click();
  await until(async () => expect(await inView(alice)).toContain(TOTAL));
  await alice.page.getByRole("button", { name: "Jump to newest" }).waitFor({ state: "hidden" });
});

test("search finds a word and Chinese, and leads to the place", async () => {
  await alice.page.getByRole("button", { name: "Search", exact: true }).click();
  const panel = alice.page.getByRole("complementary", { name: "Search" });
  for (const [query, found, i] of [
    ["walrus", "the walrus sings", 1234],
    ["樱花", "樱花", 4321],
  ] as const) {
    await panel.getByRole("searchbox", { name: "Search messages" }).fill(query);
    await panel.getByText(`line ${i}`).waitFor();
    await panel.getByText("1 result").waitFor();
    await panel.getByRole("button", { name: "Show in room" }).click();
    await alice.message(found).waitFor();
    await until(async () => expect(await inView(alice)).toContain(i));
  }
  await panel.getByRole("button", { name: "Close panel" }).click();
});

test("a link to a message opens there; newer pages come below it, in order", async () => {
  const link = alice.page.url();
  expect(link).toContain("/event/");
  await bob.page.goto("about:blank");
  await bob.page.goto(link);
  await until(async () => expect(await inView(bob)).toContain(4321));
  const box = (await bob.messages.boundingBox())!;
  await bob.page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await calm(bob);
  await watchFrames(bob, 1);
  for (let i = 0; i < 150; i++) await bob.page.mouse.wheel(0, TURN);
  await calm(bob);
  await smooth(bob);
  const shown = (await inView(bob)).filter((n) => n > 0);
  expect(shown[0]!).toBeGreaterThan(4_321 + 300);
  expect(shown).toEqual(Array.from(shown, (_, i) => shown[0]! + i));
});

test("a new message while one reads far above does not move the view, and is counted", async () => {
  const before = await inView(bob);
  await alice.page.getByRole("button", { name: "Jump to newest" }).click();
  await until(async () => expect(await inView(alice)).toContain(TOTAL));
  await alice.say("somebody still here?");
  await alice.sees("somebody still here?");
  await bob.rooms.getByText("somebody still here?").waitFor();
  expect(await inView(bob)).toEqual(before);
});

test("what one points at, has open or has marked stays while messages come; then the end is followed again", async () => {
  const api = await Api.login(node.url, "bob");
  const said = alice.message("somebody still here?");
  const bar = said.getByRole("toolbar");
  const picker = alice.page.getByRole("searchbox", { name: "Search emoji" });
  /** Where it stands before and after many more have come. */
  const stays = async (what: Locator, news: string) => {
    await calm(alice);
    const before = await what.boundingBox();
    for (let i = 1; i <= 8; i++) await api.send(room, `${news} ${i}`);
    await alice.rooms.getByText(`${news} 8`).waitFor();
    await calm(alice);
    expect(await what.boundingBox(), news).toEqual(before);
  };
  await said.hover();
  await bar.hover();
  await stays(said, "over the bar");
  await bar.getByRole("button", { name: "React", exact: true }).click();
  await picker.waitFor();
  await alice.page.mouse.move(5, 5);
  await stays(picker, "beside the picker");
  await alice.page.keyboard.press("Escape");
  await until(async () => expect(await alice.message("beside the picker 8").isVisible()).toBe(true));
  await alice.message("beside the picker 8").getByText("picker").dblclick();
  await alice.page.mouse.move(5, 5);
  await stays(alice.message("beside the picker 8"), "while a word is marked");
  await alice.page.getByRole("button", { name: "8 new messages" }).waitFor();
  await alice.composer.click();
  await until(async () => expect(await alice.message("while a word is marked 8").isVisible()).toBe(true));
  await alice.page.getByRole("button", { name: /newest|new message/ }).waitFor({ state: "hidden" });
  api.close();
});

test("a message's bar stays with the mouse: in the space above it, and when the list takes the focus", async () => {
  await alice.say("and I am still here"); // the first of hers after his: there is a space above it
  const mine = alice.message("and I am still here");
  await mine.waitFor();
  await calm(alice);
  const { x, y } = (await mine.boundingBox())!;
  await alice.page.mouse.move(x + 100, y + 5);
  await mine.getByRole("toolbar").waitFor();
  await alice.page.mouse.move(x + 100, y - 3);
  await alice.messages.focus();
  await alice.page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  expect(await mine.getByRole("toolbar").isVisible()).toBe(true);
});

/** Waits until nothing moves and nothing loads. */
async function calm(person: Person): Promise<void> {
  await person.messages.evaluate(async (log) => {
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    for (let still = 0, last = -1; still < 12; ) {
      await frame();
      still = log.scrollTop === last && log.getAttribute("aria-busy") !== "true" ? still + 1 : 0;
      last = log.scrollTop;
    }
  });
}

type Watched = Window & { watching?: { against: number[]; moved: number; wheeled: number; frames: number; stop: boolean } };

/**
 * From now on each frame is looked at: whatever message stands in the middle of the view
 * may go only the way that the wheel is turned, and in all no further than it was turned.
 * (The browser scrolls before it tells the page of the wheel, so single frames prove nothing.)
 */
function watchFrames(person: Person, way: 1 | -1): Promise<void> {
  return person.messages.evaluate((log, way) => {
    const state = ((window as Watched).watching = { against: [] as number[], moved: 0, wheeled: 0, frames: 0, stop: false });
    log.addEventListener("wheel", (e) => (state.wheeled += (e as WheelEvent).deltaY), { passive: true });
    let anchor: Element | undefined;
    let at = 0;
    const middle = () => {
      const { top, height } = log.getBoundingClientRect(); // (while it scrolls, the list hides its rows from elementFromPoint)
      return [...log.querySelectorAll("[data-key]")].find((row) => row.getBoundingClientRect().bottom > top + height / 2);
    };
    const look = () => {
      if (state.stop) return;
      state.frames++;
      if (anchor?.isConnected) {
        const moved = at - anchor.getBoundingClientRect().top; // positive: as scrolling down moves it
        if (Math.sign(moved) === -way && Math.abs(moved) > 6) state.against.push(Math.round(moved));
        state.moved += moved;
      }
      anchor = middle();
      at = anchor?.getBoundingClientRect().top ?? 0;
      requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  }, way);
}

/** Ends watchFrames: nothing went the other way, nor further than the wheel (a frame may round a pixel). */
async function smooth(person: Person): Promise<string> {
  const seen = await person.page.evaluate(() => {
    const { watching } = window as Watched;
    watching!.stop = true;
    return watching!;
  });
  expect(seen.against, "pixels moved against the wheel").toEqual([]);
  expect(Math.abs(seen.moved), "pixels moved in all, where that could be seen").toBeGreaterThan(Math.abs(seen.wheeled) / 3);
  expect(Math.abs(seen.moved), "pixels moved in all").toBeLessThanOrEqual(Math.abs(seen.wheeled) + seen.frames);
  return `${seen.frames} frames, moved ${Math.round(seen.moved)} of ${seen.wheeled} pixels`;
}
