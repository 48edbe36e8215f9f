// A stranger's first evening: what the README promises, from the printed link to the
// first conversation, in the order in which people do it.
import { deflateSync } from "node:zlib";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Node } from "./node.ts";
import { launch, Person } from "./person.ts";
import { until } from "./until.ts";

let browser: Browser;
let node: Node;
let alice: Person;
let bob: Person;

beforeAll(async () => {
  [browser, node] = await Promise.all([launch(), Node.start()]);
});

afterAll(async () => {
  await browser?.close();
  await node?.stop();
});

test("the first administrator registers by the link that serve printed", async () => {
  alice = await Person.at(browser, node.url, "alice");
  await alice.page.goto(node.adminLink);
  await alice.page.getByText("This link makes you an administrator").waitFor();
  await alice.register(node.adminLink);
});

test("she makes a public room", async () => {
  await alice.page.getByRole("main").getByRole("button", { name: "Make a room" }).click();
  const dialog = alice.page.getByRole("dialog", { name: "New room" });
  const name = dialog.getByLabel("Name", { exact: true });
  await until(async () => expect(await name.evaluate((field) => field === document.activeElement)).toBe(true)); // not the button that closes
  await alice.page.keyboard.type("Garden");
  await dialog.getByLabel("Address").fill("garden");
  await dialog.getByLabel("Topic").fill("Seeds, soil and slugs");
  await dialog.getByText("Public", { exact: true }).click();
  await dialog.getByRole("button", { name: "Create room" }).click();
  await alice.page.getByRole("heading", { name: "Garden", level: 1 }).waitFor();
  await alice.rooms.getByRole("link", { name: "Garden" }).waitFor();
  await alice.say("Is anybody here?");
  await alice.sees("Is anybody here?");
});

test("she invites a friend, who registers with the link", async () => {
  await alice.goTo("Administration");
  await alice.page.getByRole("tab", { name: "Invites" }).click();
  await alice.page.getByLabel("Note").fill("for Bob");
  await alice.page.getByRole("button", { name: "Make invite link" }).click();
  const link = await alice.page.getByRole("textbox", { name: "Copy link" }).inputValue();
  bob = await Person.at(browser, link, "bob");
  await bob.page.getByText("You have been invited").waitFor();
  await bob.register(link);
  await bob.page.getByText("No rooms yet.").waitFor();
});

test("the link is used up", async () => {
  const link = await alice.page.getByRole("textbox", { name: "Copy link" }).inputValue();
  const carol = await Person.at(browser, link, "carol");
  await carol.page.getByRole("alert").filter({ hasText: "This invite link has expired, was used up" }).waitFor();
  await carol.leave();
});

test("he finds the room, joins, and reads what was said before", async () => {
  await bob.page.getByRole("button", { name: "Find rooms" }).click();
  await bob.page.getByLabel("Search public rooms").fill("gard");
  await bob.page.getByText("Seeds, soil and slugs").waitFor();
  await bob.page.getByRole("button", { name: "Join: Garden" }).click();
  await bob.sees("Is anybody here?");
});

test("they talk both ways, and see each other typing", async () => {
  await alice.open("Garden");
  await bob.composer.pressSequentially("I am ");
  await alice.page.getByText("bob is typing…").waitFor();
  await bob.composer.pressSequentially("here, hello");
  await bob.page.keyboard.press("Enter");
  await alice.sees("I am here, hello");
  await alice.page.getByText("bob is typing…").waitFor({ state: "hidden" });
  await alice.say("Welcome, Bob");
  await bob.sees("Welcome, Bob");
});

test("who has read is seen", async () => {
  await alice.message("Welcome, Bob").getByRole("img", { name: "Seen by bob" }).waitFor();
});

test("what is unread is counted at the room and in the title, until it is read", async () => {
  await alice.page.getByRole("button", { name: "New room" }).click();
  const dialog = alice.page.getByRole("dialog", { name: "New room" });
  await dialog.getByLabel("Name", { exact: true }).fill("Kitchen");
  await dialog.getByRole("button", { name: "Create room" }).click();
  await alice.page.getByRole("heading", { name: "Kitchen", level: 1 }).waitFor();
  await bob.say("Are the tomatoes ripe?");
  await bob.say("Mine are not");
  await alice.rooms.getByRole("link", { name: /^Garden\s*, 2 unread messages$/ }).waitFor();
  await until(async () => expect(await alice.page.title()).toBe("(2) Hearth"));
  await alice.open("Garden");
  await alice.sees("Mine are not");
  await alice.rooms.getByRole("link", { name: "Garden", exact: true }).waitFor();
  await until(async () => expect(await alice.page.title()).toBe("Hearth"));
});

test("a mention is completed, counted and marked", async () => {
  await alice.open("Kitchen");
  await bob.composer.pressSequentially("soup, @al");
  await bob.page.getByRole("option", { name: "alice" }).waitFor();
  await bob.page.keyboard.press("Enter");
  await until(async () => expect(await bob.composer.inputValue()).toBe("soup, @alice "));
  await bob.composer.pressSequentially("?");
  await bob.page.keyboard.press("Enter");
  await alice.rooms.getByRole("link", { name: /^Garden\s*, 1 mention, 1 unread message$/ }).waitFor();
  await alice.open("Garden");
  await alice.message("soup, @alice ?").getByText("@alice").waitFor();
});

test("reply, with the quote that leads back", async () => {
  await alice.act("Are the tomatoes ripe?", "Reply");
  await alice.page.getByText("Replying to bob").waitFor();
  await alice.say("The red ones are");
  const reply = bob.message("The red ones are");
  await reply.getByRole("button", { name: /bob Are the tomatoes ripe\?/ }).waitFor();
});

test("react, and take it back", async () => {
  await bob.react("The red ones are", "tomato");
  const chip = alice.message("The red ones are").getByRole("button", { name: "🍅, 1 person" });
  await chip.click();
  await bob.message("The red ones are").getByRole("button", { name: "🍅, 2 people", pressed: true }).click();
  await alice.message("The red ones are").getByRole("button", { name: "🍅, 1 person" }).waitFor();
});

test("edit the last message by arrow up; its history can be read", async () => {
  await alice.say("Come at seven");
  await bob.sees("Come at seven");
  await alice.composer.press("ArrowUp");
  await alice.page.getByText("Editing your message").waitFor();
  await alice.composer.fill("Come at eight");
  await alice.page.keyboard.press("Enter");
  await bob.sees("Come at eight");
  expect(await bob.message("Come at seven").count()).toBe(0);
  await bob.message("Come at eight").getByRole("button", { name: /^edited/ }).click();
  const history = bob.page.getByRole("dialog", { name: "Earlier versions" });
  await history.getByText("Come at seven").waitFor();
  await bob.page.keyboard.press("Escape");
  await history.waitFor({ state: "hidden" });
});

test("a thread beside the room", async () => {
  await bob.act("Come at eight", "Reply in thread");
  const thread = bob.page.getByRole("complementary", { name: "Thread" });
  await thread.getByRole("textbox", { name: "Message" }).fill("What shall I bring?");
  await bob.page.keyboard.press("Enter");
  await thread.getByRole("article").filter({ hasText: "What shall I bring?" }).waitFor();
  await alice.message("Come at eight").getByRole("button", { name: /1 reply/ }).click();
  const hers = alice.page.getByRole("complementary", { name: "Thread" });
  await hers.getByRole("article").filter({ hasText: "What shall I bring?" }).waitFor();
  await hers.getByRole("textbox", { name: "Message" }).fill("Bread");
  await alice.page.keyboard.press("Enter");
  await thread.getByRole("article").filter({ hasText: "Bread" }).waitFor();
  for (const panel of [thread, hers]) await panel.getByRole("button", { name: "Close panel" }).click();
});

test("pin, and find it among the pinned", async () => {
  await alice.choose("Come at eight", "Pin");
  await bob.message("Come at eight").getByText("Pinned", { exact: true }).waitFor();
  await bob.page.getByRole("button", { name: "Pinned messages" }).click();
  const pins = bob.page.getByRole("complementary", { name: "Pinned messages" });
  await pins.getByText("Come at eight").waitFor();
  await pins.getByRole("button", { name: "Close panel" }).click();
});

test("delete, after a question", async () => {
  await bob.choose("Mine are not", "Delete");
  const dialog = bob.page.getByRole("alertdialog").or(bob.page.getByRole("dialog", { name: "Delete this message?" }));
  await dialog.getByRole("button", { name: "Delete" }).click();
  await alice.message("Message deleted").waitFor();
  expect(await alice.message("Mine are not").count()).toBe(0);
});

test("a conversation between the two", async () => {
  await bob.page.getByRole("button", { name: "Add", exact: true }).click();
  await bob.page.getByRole("menuitem", { name: "New conversation" }).click();
  await bob.page.getByRole("textbox", { name: "Find a person" }).fill("ali");
  await bob.page.getByRole("button", { name: "Write to alice" }).click();
  await bob.page.getByRole("heading", { name: "alice", level: 1 }).waitFor();
  await bob.say("Between us: the slugs won");
  await alice.rooms.getByRole("link", { name: /^bob, online, 1 unread message$/ }).click();
  await alice.sees("Between us: the slugs won");
  await alice.say("They always do");
  await bob.sees("They always do");
});

test("a name, a picture and a status are seen by the other", async () => {
  await bob.goTo("Settings");
  await bob.page.getByLabel("Display name").fill("Robert");
  await bob.page.getByLabel("Status", { exact: true }).fill("Watering");
  await bob.page.getByRole("button", { name: "Save profile" }).click();
  await bob.page.getByText("Saved", { exact: true }).waitFor();
  await bob.page.locator("input[type=file]").setInputFiles({ name: "me.png", mimeType: "image/png", buffer: Buffer.concat([picture(64), Buffer.alloc(3_000_000)]) }); // as large as a camera's
  await bob.page.getByRole("button", { name: "Remove picture" }).waitFor();

  await alice.message("Between us").getByText("Robert", { exact: true }).waitFor();
  await until(async () => {
    const width = await alice.message("Between us").locator("img").first().evaluate((img) => (img as HTMLImageElement).naturalWidth);
    expect(width).toBeGreaterThan(0);
  });
  await alice.open("Garden");
  await alice.page.getByRole("button", { name: /^Members, 2/ }).click();
  await alice.page.getByRole("complementary", { name: "Members" }).getByText("Watering").waitFor();
});

test("signed out, and in again: everything is where it was", async () => {
  await bob.goTo("Sign out");
  await bob.page.getByRole("alertdialog").or(bob.page.getByRole("dialog", { name: "Sign out?" })).getByRole("button", { name: "Sign out" }).click();
  await bob.signIn();
  await bob.open("Garden");
  await bob.sees("Welcome, Bob");
  await bob.message("The red ones are").getByRole("button", { name: "🍅, 1 person" }).waitFor();
});

test("nobody's page complained", () => {
  expect([...alice.complaints, ...bob.complaints]).toEqual([]);
});

/** A PNG, `size` pixels square, of one colour. */
function picture(size: number): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const ends = Buffer.alloc(8);
    ends.writeUInt32BE(data.length, 0);
    ends.writeUInt32BE(crc(body), 4);
    return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(size, 0);
  head.writeUInt32BE(size, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const line = Buffer.concat([Buffer.from([0]), ...Array<Buffer>(size).fill(Buffer.from([70, 130, 90]))]);
  const lines = deflateSync(Buffer.concat(Array<Buffer>(size).fill(line)));
  return Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), chunk("IHDR", head), chunk("IDAT", lines), chunk("IEND", Buffer.alloc(0))]);
}

function crc(data: Buffer): number {
  let c = ~0;
  for (const byte of data) {
    c ^= byte;
    for (let k = 0; k < 8; k++) c = (c >>> 1) ^ (c & 1 ? 0xedb88320 : 0);
  }
  return ~c >>> 0;
}
