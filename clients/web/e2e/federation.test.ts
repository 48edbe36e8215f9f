// Two nodes, a person on each, and what they do with each other on the page: find a room,
// talk, be cut off and come back, meet strangers, and part.
import type { Browser, Locator } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Node } from "./node.ts";
import { launch, Person } from "./person.ts";
import { until } from "./until.ts";

let browser: Browser;
let north: Node;
let south: Node;
let alice: Person; // of the north, administrator
let bob: Person; // of the south, administrator

beforeAll(async () => {
  [browser, north, south] = await Promise.all([launch(), Node.named(), Node.named()]);
  await Promise.all([north.addUser("alice", "--admin"), south.addUser("bob", "--admin")]);
  await Promise.all([north.addUser("dave"), south.addUser("carol"), south.addUser("erin")]);
  alice = await (await Person.at(browser, address(north), "alice")).signIn();
  bob = await (await Person.at(browser, address(south), "bob")).signIn();
});

afterAll(async () => {
  await browser?.close();
  await north?.stop();
  await south?.stop();
});

/** By number: Chromium tries IPv6 first for a name, and falls back for TCP alone. */
const address = (node: Node): string => `https://127.0.0.1:${node.port}`;
const dialog = (person: Person, name: string): Locator => person.page.getByRole("dialog", { name });
const panel = (person: Person, name: string): Locator => person.page.getByRole("complementary", { name });

/** The row of a peer on the administrator's page. */
async function peer(person: Person, name: string): Promise<Locator> {
  await person.page.goto(new URL("/#/admin", person.page.url()).href);
  await person.page.getByRole("tab", { name: "Federation" }).click();
  return person.page.getByRole("row").filter({ hasText: name });
}

/** Asks for a conversation with somebody of another node, by the whole address. */
async function write(person: Person, user: string): Promise<void> {
  await person.page.getByRole("button", { name: "Add", exact: true }).click();
  await person.page.getByRole("menuitem", { name: "New conversation" }).click();
  await dialog(person, "New conversation").getByLabel("Find a person").fill(user);
  await dialog(person, "New conversation").getByRole("button", { name: user }).click();
  await dialog(person, "New conversation").waitFor({ state: "hidden" });
}

test("one makes a link, the other runs one command, and both see each other", async () => {
  await south.join(await north.nodeInvite());
  await (await peer(alice, south.name)).getByText("Up", { exact: true }).waitFor();
  await (await peer(bob, north.name)).getByText("Up", { exact: true }).waitFor();
});

test("he looks through the other node's directory, joins, and reads what was said before", async () => {
  await alice.page.getByRole("button", { name: "New room" }).click();
  await dialog(alice, "New room").getByLabel("Name", { exact: true }).fill("Garden");
  await dialog(alice, "New room").getByLabel("Address").fill("garden");
  await dialog(alice, "New room").getByText("Public", { exact: true }).click();
  await dialog(alice, "New room").getByRole("button", { name: "Create room" }).click();
  await alice.say("Is anybody out there?");
  await alice.sees("Is anybody out there?");

  await bob.page.getByRole("button", { name: "Find rooms" }).click();
  await bob.page.getByLabel("On which node").fill(north.name);
  await bob.page.getByText(`#garden@${north.name}`).waitFor();
  await bob.page.getByRole("button", { name: "Join: Garden" }).click();
  await bob.sees("Is anybody out there?");
  await alice.page.getByText("bob joined").waitFor();
});

test("a room's whole address leads there as well; one that does not exist says so", async () => {
  const carol = await (await Person.at(browser, address(south), "carol")).signIn();
  await carol.page.getByRole("button", { name: "Find rooms" }).click();
  await carol.page.getByLabel("Search public rooms").fill(`#nothing@${north.name}`);
  await carol.page.getByRole("button", { name: "Join: #nothing" }).click();
  await carol.page.getByRole("main").getByRole("alert").waitFor();
  await carol.page.getByLabel("Search public rooms").fill(`#garden@${north.name}`);
  await carol.page.getByRole("button", { name: "Join: #garden" }).click();
  await carol.sees("Is anybody out there?");
  await carol.leave();
});

test("a node that this one does not know is named, and the page goes on", async () => {
  await bob.page.getByRole("button", { name: "Find rooms" }).click();
  await bob.page.getByLabel("On which node").fill("127.0.0.1:9");
  await bob.page.getByRole("alert").filter({ hasText: "127.0.0.1:9" }).waitFor();
  await bob.open("Garden");
});

test("they talk both ways, and see each other typing and reading", async () => {
  await bob.composer.pressSequentially("Yes, ");
  await alice.page.getByText("bob is typing…").waitFor();
  await bob.composer.pressSequentially("here in the south");
  await bob.page.keyboard.press("Enter");
  await alice.sees("Yes, here in the south");
  await alice.say("Welcome, Bob");
  await bob.sees("Welcome, Bob");
  await alice.message("Welcome, Bob").getByRole("img", { name: /^Seen by .*bob/ }).waitFor();
  await alice.message("Yes, here in the south").getByText(`@${south.name}`).waitFor();
});

test("react, reply, edit, a thread, a pin, a deletion", async () => {
  await bob.react("Welcome, Bob", "tomato");
  await alice.message("Welcome, Bob").getByRole("button", { name: "🍅, 1 person" }).click();
  await bob.message("Welcome, Bob").getByRole("button", { name: "🍅, 2 people" }).waitFor();

  await bob.act("Welcome, Bob", "Reply");
  await bob.say("Glad to be here");
  await alice.message("Glad to be here").getByRole("button", { name: /alice Welcome, Bob/ }).waitFor();

  await alice.say("Come at seven");
  await bob.sees("Come at seven");
  await alice.composer.press("ArrowUp");
  await alice.page.getByText("Editing your message").waitFor();
  await alice.composer.fill("Come at eight");
  await alice.page.keyboard.press("Enter");
  await bob.sees("Come at eight");
  expect(await bob.message("Come at seven").count()).toBe(0);

  await bob.act("Come at eight", "Reply in thread");
  await panel(bob, "Thread").getByRole("textbox", { name: "Message" }).fill("What shall I bring?");
  await bob.page.keyboard.press("Enter");
  await alice.message("Come at eight").getByRole("button", { name: /1 reply/ }).click();
  await panel(alice, "Thread").getByRole("article").filter({ hasText: "What shall I bring?" }).waitFor();
  for (const person of [alice, bob]) await panel(person, "Thread").getByRole("button", { name: "Close panel" }).click();

  await alice.choose("Come at eight", "Pin");
  await bob.message("Come at eight").getByText("Pinned", { exact: true }).waitFor();

  await bob.say("a slip of the tongue");
  await alice.sees("a slip of the tongue");
  await bob.choose("a slip of the tongue", "Delete");
  await bob.page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await alice.messages.getByText("Message deleted").waitFor();
  expect(await alice.message("a slip of the tongue").count()).toBe(0);
});

test("the room's details name its nodes, and the members where they live", async () => {
  await bob.page.getByRole("button", { name: "Room details" }).click();
  const nodes = panel(bob, "Room details").getByRole("region", { name: "Nodes" }).getByRole("listitem");
  await until(async () => expect(await nodes.count()).toBe(2));
  await nodes.filter({ hasText: north.name }).getByText("home", { exact: true }).waitFor();
  await nodes.filter({ hasText: north.name }).getByText(/^up .* in step$/).waitFor();
  await nodes.filter({ hasText: south.name }).getByText("this node").waitFor();
  await panel(bob, "Room details").getByRole("button", { name: "Close panel" }).click();
  await bob.page.getByRole("button", { name: /^Members, / }).click();
  await panel(bob, "Members").getByRole("listitem").filter({ hasText: "alice" }).getByText(`@${north.name}`).waitFor();
  await panel(bob, "Members").getByRole("button", { name: "Close panel" }).click();
});

test("while the other node is away talk goes on, and one sees what has not reached it", async () => {
  await south.kill();
  await alice.say("Can you hear me?");
  await alice.message("Can you hear me?").getByRole("img", { name: "Reached 0 of 1 other node" }).waitFor();
  // Asking it something says so, in a sentence.
  await alice.page.getByRole("button", { name: "Find rooms" }).click();
  await alice.page.getByLabel("On which node").fill(south.name);
  await alice.page.getByText(`The node ${south.name} cannot be reached.`).waitFor();
  await alice.open("Garden");
  await south.restart();
  await bob.sees("Can you hear me?");
  await alice.message("Can you hear me?").getByRole("img", { name: /^Reached/ }).waitFor({ state: "hidden" });
  expect(await alice.message("Can you hear me?").locator("time").getAttribute("title")).toContain("Reached 1 of 1 other node");
});

test("a conversation between two nodes", async () => {
  await write(bob, `alice@${north.name}`);
  await bob.say("Between us");
  await bob.page.getByText("alice has not accepted this conversation yet.").waitFor();
  const invite = alice.rooms.getByRole("group", { name: "bob" });
  await invite.getByRole("button", { name: "Accept: bob" }).click();
  await alice.sees("Between us");
  await alice.say("Just the two of us");
  await bob.sees("Just the two of us");
  await bob.page.getByText("alice has not accepted this conversation yet.").waitFor({ state: "hidden" });
});

test("a stranger's invitation waits in the tray, without a word of theirs", async () => {
  const dave = await (await Person.at(browser, address(north), "dave")).signIn();
  const erin = await (await Person.at(browser, address(south), "erin")).signIn();
  await write(erin, `dave@${north.name}`);
  await erin.say("Buy my seeds");
  const tray = dave.rooms.getByRole("button", { name: "1 request" });
  await tray.waitFor();
  expect(await dave.page.getByText("erin").count()).toBe(0);
  await tray.click();
  const request = dave.rooms.getByRole("group", { name: `erin@${south.name} wants to write to you` });
  expect(await request.getByText("Buy my seeds").count()).toBe(0);
  await request.getByRole("button", { name: "More about" }).click();
  await dave.page.getByRole("menuitem", { name: `Block erin@${south.name}` }).click();
  await tray.waitFor({ state: "hidden" });
  await dave.goTo("Settings");
  await dave.page.getByRole("button", { name: `Lift block of erin@${south.name}` }).waitFor();
  await erin.leave();
  await dave.leave();
});

test("a message can be reported, to the home's administrator as well", async () => {
  await bob.open("Garden");
  await bob.choose("Can you hear me?", "Report");
  await dialog(bob, "Report this message?").getByLabel("What is wrong with it?").fill("Too friendly");
  await dialog(bob, "Report this message?").getByRole("button", { name: "Send report" }).click();
  await bob.page.getByText("Reported. Thank you.").waitFor();
  for (const person of [bob, alice]) {
    await peer(person, "");
    await until(async () => {
      await person.page.getByRole("tab", { name: "Health" }).click();
      await person.page.getByRole("tab", { name: "Reports" }).click();
      await person.page.getByText("Too friendly").waitFor({ timeout: 2_000 }); // else the tab is opened anew
    });
    await person.open("Garden");
  }
});

test("who is removed here is removed there", async () => {
  await alice.open("Garden");
  await bob.open("Garden");
  await alice.page.getByRole("button", { name: /^Members, / }).click();
  await panel(alice, "Members").getByRole("button", { name: "Actions for bob" }).click();
  await alice.page.getByRole("menuitem", { name: "Remove from room" }).click();
  await alice.page.getByRole("dialog").getByRole("button", { name: "Remove from room" }).click();
  await bob.rooms.getByRole("link", { name: "Garden" }).waitFor({ state: "hidden" });
  await alice.messages.getByText("alice removed bob").waitFor();
});

test("a whole node is banned from the room, and let in again", async () => {
  await alice.page.getByRole("button", { name: "Close panel" }).click();
  await alice.page.getByRole("button", { name: "Room details" }).click();
  const row = panel(alice, "Room details").getByRole("region", { name: "Nodes" }).getByRole("listitem").filter({ hasText: south.name });
  await row.getByRole("button", { name: `Actions for ${south.name}` }).click();
  await alice.page.getByRole("menuitem", { name: "Ban node" }).click();
  await dialog(alice, `Ban ${south.name} from the room?`).getByLabel("Reason (optional)").fill("a test");
  await dialog(alice, `Ban ${south.name} from the room?`).getByRole("button", { name: "Ban node" }).click();
  await row.getByText("banned", { exact: true }).waitFor();
  await alice.messages.getByText(`alice banned the node ${south.name}: a test`).waitFor();
  await row.getByRole("button", { name: `Actions for ${south.name}` }).click();
  await alice.page.getByRole("menuitem", { name: "Lift ban" }).click();
  await alice.messages.getByText(`alice lifted the ban on the node ${south.name}`).waitFor();
});

test("a node's link is made in the page too; opened in a browser it says what it is for", async () => {
  await peer(alice, "");
  await alice.page.getByRole("button", { name: "Make node link" }).click();
  const link = await alice.page.getByRole("textbox", { name: "Copy node link" }).inputValue();
  const stranger = await Person.at(browser, address(north) + "/" + new URL(link).hash, "stranger");
  await stranger.page.getByText(`An invitation from ${north.name} to another node`).waitFor();
  await stranger.page.getByText(`hearth join ${address(north)}/#/node/`).waitFor();
  await stranger.page.getByRole("button", { name: "To this node’s page" }).click();
  await stranger.page.getByRole("button", { name: "Sign in" }).waitFor();
  await stranger.leave();
  await peer(bob, "");
  await bob.page.getByLabel("Invite link, or a node’s name").fill(link);
  await bob.page.getByRole("button", { name: "Join", exact: true }).click();
  await bob.page.getByText(`${north.name} is known now.`).waitFor();
});

test("nobody's page complained", () => {
  // While the node was down, connecting to it failed.
  const lost = /ERR_CONNECTION|WebSocket connection|WebTransport|net::ERR/;
  expect(alice.complaints.concat(bob.complaints).filter((text) => !lost.test(text))).toEqual([]);
});
