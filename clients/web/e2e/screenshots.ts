// The pictures of the README, taken from a real node: `npm run screenshots`. Not a test.
// PACE=8 leaves eight seconds between messages, so that the clock beside them moves.
import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import { test } from "vitest";
import { Api } from "./api.ts";
import { Node, password } from "./node.ts";
import { launch, Person } from "./person.ts";
import { until } from "./until.ts";

const folder = resolve(import.meta.dirname, "../../../docs/images");
const pace = Number(process.env["PACE"] ?? 0) * 1_000;
const rest = () => new Promise((done) => setTimeout(done, pace));

const cast = {
  maya: { name: "Maya Lindqvist", status: "On the roof", art: art("#f6b26b", "#cc5a2b", `<circle cx="178" cy="82" r="34" fill="#ffe3b0"/><path d="M0 190 70 110l44 46 50-66 92 110v56H0z" fill="#5b2e1f"/><path d="M0 220 90 160l70 50 96-40v86H0z" fill="#3a1c14"/>`) },
  tom: { name: "Tom Okafor", status: "Back on Tuesday", art: art("#9fd0e6", "#2f6f95", `<path d="M128 40v130H60z" fill="#fff"/><path d="M138 70v100h62z" fill="#fbe3c0"/><path d="M44 182h168l-26 34H72z" fill="#7b2d26"/><path d="M0 222q32-18 64 0t64 0 64 0 64 0v34H0z" fill="#174a66"/>`) },
  priya: { name: "Priya Raman", status: "Soldering", art: art("#e6d3f2", "#8452a8", `<g fill="#fff">${[0, 60, 120, 180, 240, 300].map((a) => `<ellipse cx="128" cy="78" rx="26" ry="44" transform="rotate(${a} 128 128)"/>`).join("")}</g><circle cx="128" cy="128" r="28" fill="#f2c14e"/>`) },
  jonas: { name: "Jonas Weber", status: "", art: art("#cfe3c4", "#4d7f45", `<path d="M70 110V56l40 30h36l40-30v54q14 84-58 98-72-14-58-98z" fill="#3d3a38"/><circle cx="104" cy="128" r="11" fill="#e8d44d"/><circle cx="152" cy="128" r="11" fill="#e8d44d"/><path d="M118 158h20l-10 12z" fill="#d98c8c"/>`) },
  lijing: { name: "李静", status: "明天见", art: art("#f7d4d4", "#b23a48", `<circle cx="128" cy="120" r="62" fill="#f4efe6"/><path d="M128 58a62 62 0 0 1 0 124 31 31 0 0 1 0-62 31 31 0 0 0 0-62z" fill="#3b2a2a"/><circle cx="128" cy="89" r="9" fill="#3b2a2a"/><circle cx="128" cy="151" r="9" fill="#f4efe6"/>`) },
} as const;
type Who = keyof typeof cast;

test("the README's pictures", { timeout: 900_000 }, async () => {
  await mkdir(folder, { recursive: true });
  const [browser, node] = await Promise.all([launch(), Node.start("--name", "millbrook.chat")]);
  const people = {} as Record<Who, Api>;
  try {
    const easel = await browser.newPage({ viewport: { width: 256, height: 256 } });
    for (const [who, { name, status, art }] of Object.entries(cast) as [Who, (typeof cast)[Who]][]) {
      await node.addUser(who, ...(who === "maya" ? ["--admin"] : []));
      people[who] = await Api.login(node.url, who);
      await easel.setContent(`<body style="margin:0">${art}</body>`);
      const avatar = await people[who].upload(await easel.screenshot(), "image/png");
      await people[who].do("ProfileSet", { display_name: name, status, avatar });
    }
    await easel.close();
    const { maya, tom, priya, jonas, lijing } = people;

    const make = async (alias: string, name: string, topic: string) => {
      const { room } = await maya.do("RoomCreate", { alias, name, topic, public: true, key: maya.key() });
      for (const other of [tom, priya, jonas, lijing]) await other.do("RoomJoin", { room });
      return room as string;
    };
    const film = await make("film-night", "Film night", "Fridays at eight, bring a cushion");
    const repair = await make("repair-cafe", "Repair café", "Toasters, bicycles, patience");
    const garden = await make("garden", "Garden", "Seeds, soil and slugs");
    const roof = await make("roof", "Roof weather station", "Sensors, soldering and the view. We meet on Thursdays.");
    await tom.send(film, "The projector is fixed, it was only the fuse");
    await maya.send(film, "Then it is *Stalker* this week");
    await jonas.send(repair, "Two toasters and a bell saved today");
    await maya.send(repair, "And one very old radio");
    const between = await priya.do("RoomDirect", { user: maya.user });
    await maya.send(between.room, "Thank you for the solder!");
    await priya.send(between.room, "Any time. Tea on Thursday?");
    const chinese = await lijing.do("RoomDirect", { user: maya.user });
    await lijing.send(chinese.room, "数据我明天看一下");
    for (const room of [film, repair, between.room]) await read(maya, room);

    const say = async (who: Api, text: string, more: object = {}) => {
      const event = await who.send(roof, text, more);
      await rest();
      return event;
    };
    const list = await say(tom, "For Thursday:\n1. the long ladder\n2. cable ties\n3. biscuits");
    await maya.do("Pin", { room: roof, event: list, on: true, key: maya.key() });
    const storm = await say(maya, "The anemometer survived the storm! Gusts of **94 km/h** last night, and not one reading is missing.");
    await react(roof, storm, [["🎉", tom, priya, jonas, lijing], ["💨", jonas, maya]]);
    const asked = await say(jonas, "Congratulations! Is the log still on the Pi, or on the server by now?");
    await say(maya, "On both. The Pi keeps it until the server says that it is safe:\n```python\nfor reading in station.readings(since=last):\n    server.store(reading)   # answers after the sync\n    last = reading.id\n```", { reply_to: asked });
    const curve = await say(lijing, "太好了，气压曲线也很漂亮！");
    await react(roof, curve, [["❤️", maya, tom, priya]]);
    await say(tom, "@maya could you show the pressure curve on Thursday? The school class is coming, and they would love it.");
    const yes = await say(maya, "Of course. I bring the spare sensor, so that they can blow on it.");
    await react(roof, yes, [["👍", tom, jonas]]);
    const key = await say(priya, "Who has the key to the roof?");
    await say(jonas, "I have it until Wednesday", { thread: key });
    await say(priya, "Could you leave it at the bakery?", { thread: key });
    await say(jonas, "Done, ask for Ines. She wants a biscuit in return", { thread: key });
    await jonas.do("React", { room: roof, event: key, emoji: "🔑", on: true, key: jonas.key() });
    const last = await say(lijing, "See you on Thursday, 周四见 👋");
    await react(roof, last, [["👋", priya, tom]]);
    await tom.send(garden, "The first tomatoes are ripe");
    await jonas.send(garden, "@maya your seeds won");
    await lijing.send(film, "我也来！");

    // The others are here too: presence, receipts, and somebody who types.
    const others: Person[] = [];
    for (const who of ["priya", "jonas", "tom"] as const) {
      const other = await Person.at(browser, node.url, who, { timezoneId });
      await other.signIn();
      await other.open("Roof weather station");
      others.push(other);
    }
    const desk = await visit(browser, node.url, { viewport: { width: 1440, height: 900 }, colorScheme: "light" });
    await desk.open("Roof weather station");
    await desk.message("Who has the key").getByRole("button", { name: /3 replies/ }).click();
    const thread = desk.page.getByRole("complementary", { name: "Thread" });
    await thread.getByRole("article").nth(3).waitFor();
    await shoot(desk, others[0]!, "room.png");

    const phone = await visit(browser, node.url, { viewport: { width: 390, height: 844 }, colorScheme: "dark", isMobile: true, hasTouch: true });
    await phone.open("Roof weather station");
    await shoot(phone, others[0]!, "room-dark-phone.png");
  } finally {
    await browser.close();
    await node.stop();
  }
});

/** Somewhere it is early evening now. */
const timezoneId = (() => {
  const ahead = ((19 - new Date().getUTCHours() + 36) % 24) - 12;
  return ahead === 0 ? "UTC" : `Etc/GMT${ahead > 0 ? "-" : "+"}${Math.abs(ahead)}`;
})();

async function visit(browser: Parameters<typeof Person.at>[0], url: string, options: object): Promise<Person> {
  const maya = await Person.at(browser, url, "maya", { timezoneId, reducedMotion: "reduce", ...options });
  await maya.page.getByLabel("Username").fill("maya");
  await maya.page.getByLabel("Password", { exact: true }).fill(password);
  await maya.page.getByRole("button", { name: "Sign in" }).click();
  await maya.rooms.waitFor();
  return maya;
}

async function shoot(person: Person, typist: Person, file: string): Promise<void> {
  const { page } = person;
  await until(async () => {
    await typist.composer.pressSequentially("well ");
    await page.getByText("is typing…").waitFor({ timeout: 1_000 });
  });
  await page.mouse.move(0, 0);
  await page.waitForFunction(() => [...document.images].every((i) => i.complete));
  await page.evaluate(() => document.fonts.ready);
  await page.screenshot({ path: resolve(folder, file) });
}

async function react(room: string, event: string, reactions: [string, ...Api[]][]): Promise<void> {
  for (const [emoji, ...who] of reactions) for (const one of who) await one.do("React", { room, event, emoji, on: true, key: one.key() });
}

async function read(who: Api, room: string): Promise<void> {
  const { events } = await who.do("History", { room, limit: 1 });
  await who.do("Read", { room, pos: events[0].pos });
}

function art(light: string, dark: string, shapes: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="256" height="256" viewBox="0 0 256 256"><defs><linearGradient id="g" x2="0" y2="1"><stop stop-color="${light}"/><stop offset="1" stop-color="${dark}"/></linearGradient></defs><rect width="256" height="256" fill="url(#g)"/>${shapes}</svg>`;
}
