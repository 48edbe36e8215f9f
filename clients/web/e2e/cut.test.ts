// The wire between two nodes is cut. Talk goes on on both sides; what somebody wrote after
// their right had been taken away on the other side counts for nobody, and they are told so.
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort, Node } from "./node.ts";
import { launch, Person } from "./person.ts";
import { Wire } from "./wire.ts";

let browser: Browser;
let north: Node;
let south: Node;
let wires: Wire[] = [];
let alice: Person; // of the north, owner of the room
let bob: Person; // of the south
let carol: Person; // of the south

/** A node that is called so, and found by the others through a wire alone. */
async function behindWire(name: string): Promise<Node> {
  const port = await freePort();
  const wire = await Wire.open(port);
  wires.push(wire);
  return Node.at(`127.0.0.1:${port}`, "--name", name, "--advertise", `127.0.0.1:${wire.port}`);
}

const set = (whole: boolean) => wires.forEach((wire) => (wire.whole = whole));

beforeAll(async () => {
  [browser, north, south] = await Promise.all([launch(), behindWire("north.test"), behindWire("south.test")]);
  await Promise.all([north.addUser("alice", "--admin"), south.addUser("bob"), south.addUser("carol")]);
  await south.join(await north.nodeInvite());
  const garden = "#garden@north.test";
  await north.hearth("room", "create", "garden", "--public", "--profile", await north.login("alice"));
  for (const name of ["bob", "carol"]) await south.hearth("room", "join", garden, "--profile", await south.login(name));
  alice = await (await Person.at(browser, north.url, "alice")).signIn();
  bob = await (await Person.at(browser, south.url, "bob")).signIn();
  carol = await (await Person.at(browser, south.url, "carol")).signIn();
  for (const person of [alice, bob, carol]) await person.open("garden");
});

afterAll(async () => {
  await browser?.close();
  await north?.stop();
  await south?.stop();
  for (const wire of wires) wire.close();
});

test("on both sides talk goes on", async () => {
  await bob.say("before the cut");
  await alice.sees("before the cut");
  set(false);
  await bob.say("said in the south");
  await carol.sees("said in the south");
  await alice.say("said in the north");
  await bob.message("said in the south").getByRole("img", { name: "Reached 0 of 1 other node" }).waitFor();
});

test("what was written after the right was taken away is void everywhere, and its author is told", async () => {
  await alice.page.getByRole("button", { name: /^Members, / }).click();
  const members = alice.page.getByRole("complementary", { name: "Members" });
  await members.getByRole("button", { name: "Actions for bob" }).click();
  await alice.page.getByRole("menuitem", { name: "Read-only" }).click();
  await members.getByRole("listitem").filter({ hasText: "bob" }).getByText("Read-only").waitFor();
  await members.getByRole("button", { name: "Close panel" }).click();

  set(true);
  await carol.sees("said in the north");
  await carol.message("said in the south").waitFor({ state: "hidden" });
  const own = bob.message("said in the south");
  await own.getByText("Others do not see this").waitFor();
  await bob.page.getByText("You can read here, but not write.").waitFor();
  await bob.sees("before the cut");
  expect(await alice.message("said in the south").count()).toBe(0);

  // The same after a reload: the nodes agree on it, not the pages.
  for (const person of [alice, carol]) {
    await person.page.reload();
    await person.sees("said in the north");
    expect(await person.message("said in the south").count()).toBe(0);
  }

  // Bob hears of it at his next visit too, until he has seen it.
  const notice = bob.page.getByRole("region", { name: "Messages that were not accepted" });
  await bob.page.reload();
  await notice.getByText(/^Your message in .* was not accepted: you had lost the right to write before it arrived\. “said in the south”$/).waitFor();
  await notice.getByRole("button", { name: "OK" }).click();
  await notice.waitFor({ state: "hidden" });
  await bob.page.reload();
  await bob.sees("before the cut");
  expect(await notice.count()).toBe(0);
});
