// The README's picture of a room of several nodes, one of which is away: `npm run screenshots`. Not a test.
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { Api } from "./api.ts";
import { freePort, Node } from "./node.ts";
import { launch, Person } from "./person.ts";
import { until } from "./until.ts";

const file = resolve(import.meta.dirname, "../../../docs/images/federation.png");
const names = { millbrook: "millbrook.chat", riverside: "riverside.example", harbour: "harbour.example" };

async function named(name: string): Promise<Node> {
  const at = `127.0.0.1:${await freePort()}`;
  return Node.at(at, "--name", name, "--advertise", at);
}

test("the README's picture of a federated room", { timeout: 300_000 }, async () => {
  const [browser, millbrook, riverside, harbour] = await Promise.all([launch(), named(names.millbrook), named(names.riverside), named(names.harbour)]);
  try {
    const people: Record<string, [Node, string]> = { maya: [millbrook, "Maya Lindqvist"], tom: [riverside, "Tom Okafor"], priya: [harbour, "Priya Raman"] };
    const api: Record<string, Api> = {};
    for (const [who, [node, name]] of Object.entries(people)) {
      await node.addUser(who, "--admin");
      api[who] = await Api.login(node.url, who);
      await api[who]!.do("ProfileSet", { display_name: name });
    }
    const { maya, tom, priya } = api as { maya: Api; tom: Api; priya: Api };
    for (const node of [riverside, harbour]) await node.join(await millbrook.nodeInvite());
    const { room } = await maya.do("RoomCreate", { alias: "river", name: "River watch", topic: "Levels, weirs and who has the boat", public: true, key: maya.key() });
    for (const other of [tom, priya]) await other.do("RoomJoin", { room: `#river@${names.millbrook}` });

    await maya.send(room, "The gauge at the bridge says **1.42 m**, and rising");
    const desk = await Person.at(browser, millbrook.url, "maya", { viewport: { width: 1200, height: 640 }, colorScheme: "light", reducedMotion: "reduce" });
    await desk.signIn();
    await desk.open("River watch");
    for (const [who, text] of [
      [tom, "1.38 here at the weir. I close the upper gate at six"],
      [priya, "The harbour is calm. I take the boat in now, and am off the net until tomorrow"],
    ] as const) {
      await who.send(room, text);
      await desk.sees(text);
    }
    await until(async () => expect(await harbour.hearth("history", `#river@${names.millbrook}`, "--profile", await harbour.login("priya"))).toHaveLength(await millbrook.hearth("history", `#river@${names.millbrook}`, "--profile", await millbrook.login("maya")).then((l) => l.length)));
    await harbour.kill();
    await desk.say("Thanks, Tom! Half past eight at the bridge, then");
    await desk.message("Half past eight").getByRole("img", { name: "Reached 1 of 2 other nodes" }).waitFor({ timeout: 60_000 });
    await desk.page.reload(); // with everybody's names, which came meanwhile
    await desk.message("Half past eight").getByRole("img", { name: "Reached 1 of 2 other nodes" }).waitFor({ timeout: 60_000 });
    await desk.page.getByRole("button", { name: "Room details" }).click();
    const nodes = desk.page.getByRole("complementary", { name: "Room details" }).getByRole("region", { name: "Nodes" });
    await nodes.getByRole("listitem").filter({ hasText: names.harbour }).getByText("down").waitFor({ timeout: 60_000 });
    await nodes.evaluate((e) => e.scrollIntoView({ block: "end" }));
    await desk.page.mouse.move(0, 0);
    await desk.page.evaluate(() => document.fonts.ready);
    await desk.page.screenshot({ path: file });
  } finally {
    await browser.close();
    for (const node of [millbrook, riverside, harbour]) await node.stop();
  }
});
