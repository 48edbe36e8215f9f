// The pictures of the guides to bridges: a room joined to an IRC channel, and what an administrator
// sees of it: `npm run screenshots`. Not a test.
import { resolve } from "node:path";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "vitest";
import { Api } from "./api.ts";
import { IrcPerson, IrcServer } from "./irc.ts";
import { Node } from "./node.ts";
import { launch, Person } from "./person.ts";

const file = (name: string) => resolve(import.meta.dirname, `../../../docs/images/${name}.png`);

test("the pictures of bridges", { timeout: 300_000 }, async () => {
  const [browser, node, irc] = await Promise.all([launch(), Node.start("--name", "millbrook.chat"), IrcServer.start()]);
  try {
    const people: Record<string, Api> = {};
    for (const [who, name] of [["maya", "Maya Lindqvist"], ["tom", "Tom Okafor"]] as const) {
      await node.addUser(who, "--admin");
      people[who] = await Api.login(node.url, who);
      await people[who]!.do("ProfileSet", { display_name: name });
    }
    const { maya, tom } = people as { maya: Api; tom: Api };
    const { room } = await maya.do("RoomCreate", { alias: "beans", name: "Beans and others", topic: "What grows, and what eats it", public: true, key: maya.key() });
    await tom.do("RoomJoin", { room });
    await writeFile(join(node.dir, "irc.toml"), `server = "127.0.0.1:${irc.port}"\nnick = "millbrook"\ntls = false\nflood_ms = 10\njoins = "off"\n`);
    await node.hearth("bridge", "add", "irc", "--data", "data", "--name", "libera", "--config", "irc.toml");
    await node.hearth("bridge", "link", "libera", "#beans@millbrook.chat", "#allotments", "--data", "data", "--no-consent");
    const [greta, wanda] = [await IrcPerson.on(irc, "greta", "#allotments"), await IrcPerson.on(irc, "wanda", "#allotments")];
    await greta.hears("millbrook");

    const desk = await Person.at(browser, node.url, "maya", { viewport: { width: 1200, height: 720 }, colorScheme: "light", reducedMotion: "reduce" });
    await desk.signIn();
    await desk.open("Beans and others");
    await tom.send(room, "The first runner beans are up on plot 12");
    await desk.sees("plot 12");
    await greta.hears("plot 12");
    greta.say("PRIVMSG #allotments :here too, under \x02fleece\x02 though: it was 2 degrees last night");
    await desk.sees("under fleece");
    await maya.send(room, "Has anybody tried the **blue** ones?");
    await desk.sees("blue ones");
    wanda.say("PRIVMSG #allotments :maya: they climb well, and the slugs leave them alone");
    await desk.sees("they climb well");
    wanda.say("PRIVMSG #allotments :\x01ACTION offers seeds to whoever comes by on Saturday\x01");
    await desk.sees("offers seeds");
    await desk.page.getByRole("button", { name: "Room details" }).click();
    const bridges = desk.page.getByRole("region", { name: "Bridges" });
    await bridges.getByText("2 people there").click();
    await bridges.evaluate((e) => e.scrollIntoView({ block: "end" }));
    await desk.page.mouse.move(0, 0);
    await desk.page.screenshot({ path: file("bridge-room") });

    await desk.page.goto(`${node.url}/#/admin`);
    await desk.page.getByRole("tab", { name: "Bridges" }).click();
    await desk.page.getByRole("listitem", { name: "libera" }).getByRole("button", { name: "Link a channel" }).click();
    await desk.page.getByRole("textbox", { name: "Room", exact: true }).fill("#garden@millbrook.chat");
    await desk.page.getByRole("textbox", { name: "Channel", exact: true }).fill("#garden");
    await desk.page.screenshot({ path: file("bridge-irc") });
    await desk.page.getByRole("button", { name: "Add a bridge" }).click();
    await desk.page.getByRole("combobox", { name: "Network", exact: true }).selectOption("slack");
    await desk.page.getByLabel("Name", { exact: true }).fill("work");
    await desk.page.setViewportSize({ width: 1200, height: 1050 });
    await desk.page.getByText("Before you begin").evaluate((e) => e.scrollIntoView({ block: "start" }));
    await desk.page.screenshot({ path: file("bridge-slack") });
    for (const person of [greta, wanda]) person.leave();
  } finally {
    await browser.close();
    await node.stop();
    await irc.close();
  }
});
