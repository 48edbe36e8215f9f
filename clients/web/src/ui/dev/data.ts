// Plausible rooms, people and 10,000 messages for screenshots. Development only.
import { create } from "@bufbuild/protobuf";
import { RoomNodeSchema, type RoomNode } from "../../gen/client_pb";
import { EventSchema, ProfileSchema, RoomSummarySchema, type Event, type Profile, type RoomSummary } from "../../gen/room_pb";

export const NODE = "hearth.example";
export const ME = `alice@${NODE}`;
const people: [string, string, string][] = [
  ["alice", "Alice Moreau", "tending the fire"],
  ["ben", "Ben Okafor", "in the workshop until four"],
  ["chen.wei", "陈薇", "喝茶"],
  ["dana", "Dana Whitfield", ""],
  ["emil", "Emil Lindqvist", "on the train"],
  ["farah", "Farah Haddad", "reading"],
  ["goro", "Goro Tanaka", ""],
  ["hana", "Hana Kovář", "back on Monday"],
  ["ines", "Inês Carvalho", ""],
];
const OTHER = "orchard.example:8443";
const abroad = new Map([["farah", OTHER], ["goro", "allotment.example"]]); // who lives on another node
const address = (id: string): string => `${id}@${abroad.get(id) ?? NODE}`;
export const profiles = new Map<string, Profile>(people.map(([id, displayName, status]) => [address(id), create(ProfileSchema, { user: address(id), displayName, status })]));
export const users = [...profiles.keys()];
export const user = (i: number): string => users[((i % users.length) + users.length) % users.length]!;

const chatter = [
  "Morning! The frost got the beans, but the kale does not mind at all.",
  "Did anybody water the tomatoes yesterday?",
  "I did, around **six**. The tank is nearly empty though.",
  "Then it rains tomorrow, surely 😄",
  "Forecast says 12 mm from noon on. See https://weather.example.org/today for the radar.",
  "Nice. I can bring the barrow on Saturday, and two spades.",
  "@ben could you look at the pump? It makes that noise again.",
  "Sure. It is the seal, I ordered a new one last week; should be here by Thursday.",
  "Thanks!",
  "For the record, the watering times are:\n\n- greenhouse: 7:00 and 19:00\n- beds 1 to 4: 20:00\n- the lemon tree: *whenever it looks sad*",
  "> the lemon tree: whenever it looks sad\n\nThat is every day.",
  "The script that reads the sensor, if somebody wants to try it:\n\n```python\nimport time\n\ndef read(pin: int) -> float:\n    \"\"\"Moisture, 0 is dust and 1 is a lake.\"\"\"\n    raw = adc.read(pin)\n    return 1 - (raw - WET) / (DRY - WET)\n\nwhile True:\n    print(f\"bed 1: {read(26):.2f}   bed 2: {read(27):.2f}   bed 3: {read(28):.2f}   greenhouse: {read(29):.2f}\")\n    time.sleep(60)\n```",
  "Run it with `python3 moisture.py --once` first.",
  "今天的茶园也下雨了，大家带伞。",
  "好的，谢谢提醒！周六见 🍵",
  "Moved the meeting to the shed. ~~Sunday~~ Saturday at ten.",
  "🔥",
  "I wrote down what we said about the compost, long version in the shared notes. In short: two bays, turn every other week, nothing cooked, and please no more teabags with plastic in them; I picked out forty of them last time and I still find more. If anybody has spare pallets, I can build the third bay in an afternoon.",
  "I have three pallets.",
  "Perfect, I owe you a jar of honey.",
];

export const id = (n: number): string => `e${String(n).padStart(6, "0")}`.padEnd(43, "x");

/** `count` messages that end now, with everything a timeline can show near its end. */
export function makeEvents(count: number, seed: number): Event[] {
  const now = Date.now();
  const events: Event[] = [];
  let time = now - count * 7 * 60_000;
  for (let i = 0; i < count; i++) {
    const burst = (i * 7 + seed) % 5;
    time += burst === 0 ? 20 * 60_000 : 70_000 + ((i * 37) % 90_000);
    const left = count - i;
    if (i % 97 === 40) {
      events.push(event(i, { kind: "join", author: user(i), time }));
      continue;
    }
    const author = user(Math.floor(i / 2.6) + seed + (i % 11 === 0 ? 1 : 0));
    events.push(event(i, { kind: "text", author, time: Math.min(time, now - left * 20_000), text: chatter[(i + seed * 3) % chatter.length]!, mentions: chatter[(i + seed * 3) % chatter.length]!.includes("@ben") ? [user(1)] : [] }));
  }
  const start = now - 40 * 60_000;
  events.forEach((e, i) => {
    if (count - i <= 34) e.time = BigInt(Math.round(start + (34 - (count - i)) * 65_000));
  });
  return decorate(events);
}

function event(n: number, e: { kind: string; author: string; time: number; text?: string; mentions?: string[] }): Event {
  return create(EventSchema, { id: id(n), pos: BigInt(n + 1), order: BigInt(n + 1), origin: NODE, seq: BigInt(n + 1), ...e, time: BigInt(Math.round(e.time)) });
}

function decorate(events: Event[]): Event[] {
  const at = (back: number) => events[events.length - back]!;
  const change = (back: number, fields: Partial<Event>) => {
    if (events.length >= back) events[events.length - back] = create(EventSchema, { ...at(back), ...fields } as Event);
  };
  change(30, { kind: "settings", settings: create(EventSchema, { settings: { topic: "Beds, beans and the eternal pump" } }).settings });
  change(29, { kind: "join", author: user(6), text: "" });
  change(28, { kind: "join", author: user(7), text: "" });
  change(27, { kind: "join", author: user(8), text: "" });
  change(26, { kind: "leave", author: user(4), text: "" });
  change(22, { reactions: [{ emoji: "👍", users: [user(1), user(2), ME] }, { emoji: "🌱", users: [user(3)] }] as Event["reactions"] });
  change(20, { replyTo: at(24)?.id, quote: { id: at(24)?.id, author: at(24)?.author, text: at(24)?.text.slice(0, 200), deleted: false } as Event["quote"], text: "Yes, that is what I meant. I will write it down." });
  change(18, { deleted: true, text: "" });
  change(16, { edited: BigInt(Date.now() - 900_000), edits: 2, text: "The key to the shed hangs *behind* the blue door, not beside it." });
  change(14, { threadReplies: 5, threadTime: BigInt(Date.now() - 600_000), text: "Who wants to come to the seed swap on the 14th? We can share the van." });
  change(12, { text: "@alice could you ask the neighbours about the hedge? They listen to you.", mentions: [ME], author: user(1) });
  change(11, { kind: "emote", text: "waters the lemon tree" });
  change(10, { pinned: true, text: "Harvest day is **Saturday, ten o'clock**, at the shed. Bring gloves, baskets and something for the table.", author: user(3), reactions: [{ emoji: "🎉", users: [user(1), user(2), user(4), user(5)] }, { emoji: "🧤", users: [ME] }] as Event["reactions"] });
  change(9, { author: ME, text: "I bring bread and the big pot." });
  change(8, { author: ME, text: "And soup, if somebody brings leeks." });
  change(4, { author: ME, text: "I am still here, am I not?", voided: true });
  change(5, { author: ME, text: "Has anybody from the allotment seen this yet?", time: BigInt(Date.now() - 400_000) });
  change(7, { thread: at(14)?.id, text: "I can drive, five seats.", author: user(4) });
  change(6, { thread: at(14)?.id, text: "Count me in!", author: user(5) });
  change(3, { author: user(2), text: "周六我带两斤韭葱 🥬，再带一壶茶。" });
  change(2, { author: user(2), text: "🍲🔥" });
  change(1, { author: user(5), text: "Wonderful. <b>See you all</b> there, with [the map](https://maps.example.org/shed) and ![a picture](https://tracker.example.org/pixel.png)" });
  return events;
}

const now = Date.now();
const room = (n: number, fields: Partial<RoomSummary>): RoomSummary =>
  create(RoomSummarySchema, { room: `room${n}`.padEnd(43, "r"), membership: "join", role: "member", members: 9, home: NODE, headPos: 10_000n, readPos: 10_000n, lastTime: BigInt(now - n * 47 * 60_000), ...fields } as RoomSummary);

export const rooms: RoomSummary[] = [
  room(1, { name: "Garden", alias: `#garden@${NODE}`, topic: "Beds, beans and the eternal pump. Harvest day is Saturday.", public: true, role: "owner", unread: 5, readPos: 9995n, members: 128, lastText: "Wonderful. See you all there", lastAuthor: user(5) }),
  room(2, { name: "Kitchen table", alias: `#kitchen@${NODE}`, topic: "What is for dinner?", unread: 23, mentions: 2, readPos: 4977n, headPos: 5000n, members: 9, lastText: "@alice leeks or onions?", lastAuthor: user(3) }),
  room(3, { direct: user(1), directProfile: profiles.get(user(1)), members: 2, lastText: "The seal is here, I will mount it tonight", lastAuthor: user(1), unread: 1, readPos: 299n, headPos: 300n }),
  room(4, { name: "茶馆", alias: `#teahouse@${NODE}`, topic: "一壶好茶，慢慢聊", public: true, members: 42, lastText: "明天见！", lastAuthor: user(2), headPos: 800n, readPos: 800n }),
  room(5, { name: "Announcements", alias: `#announcements@${NODE}`, topic: "Read-only: what everybody on this node should know", role: "readonly", public: true, members: 311, lastText: "The node was upgraded to 0.4", lastAuthor: user(0), headPos: 60n, readPos: 60n }),
  room(6, { name: "Bicycle repair and other lost causes", members: 17, muted: "mentions", unread: 240, readPos: 1000n, headPos: 1240n, lastText: "It is always the bottom bracket", lastAuthor: user(6) }),
  room(7, { direct: user(2), directProfile: profiles.get(user(2)), members: 2, lastText: "好的，谢谢！", lastAuthor: ME, headPos: 120n, readPos: 120n }),
  room(8, { direct: user(3), directProfile: profiles.get(user(3)), members: 2, lastText: "Thanks a lot", lastAuthor: user(3), headPos: 40n, readPos: 40n }),
  room(9, { name: "Reading circle", membership: "invite", role: "", invitedBy: user(5), members: 6, topic: "One book a month" }),
  ...["Release planning", "Choir", "Lost and found", "Node operators", "Photography", "Neighbourhood watch of cats", "Board games"].map((name, i) => room(10 + i, { name, public: i % 2 === 0, members: 4 + i * 9, lastText: "See you next week", lastAuthor: user(i), headPos: 90n, readPos: 90n })),
];
const stranger = (n: number, who: string, fields: Partial<RoomSummary> = {}) => room(n, { name: "CHEAP SEEDS", topic: "!!!", membership: "invite", role: "", invitedBy: who, stranger: true, ...fields });
rooms.push(stranger(30, `seller1@${OTHER}`), stranger(31, `seller2@${OTHER}`), stranger(32, "zed@somewhere.example", { direct: "zed@somewhere.example" }));
rooms[0]!.nodes = 3;
rooms[0]!.waiting = 2;
rooms[3]!.frozen = "it was made by a newer version of Hearth.";
rooms[3]!.nodes = 2;

const roomNode = (name: string, fields: Partial<RoomNode>): RoomNode => create(RoomNodeSchema, { name, state: "up", ...fields } as RoomNode);
export const roomNodes: RoomNode[] = [
  roomNode(NODE, { here: true, home: true, steward: true, members: 7, frontier: 9_998n }),
  roomNode(OTHER, { steward: true, members: 1, rttMs: 12n, reached: 10_000n }),
  roomNode("allotment.example", { state: "down", members: 1, reached: 9_995n, behind: 5n }),
  roomNode("forked.example", { members: 2, rttMs: 48n, reached: 10_000n, frozen: "it signed two histories" }),
  roomNode("spam.example", { state: "down", banned: true }),
];
export const counts: Record<string, number> = { [rooms[0]!.room]: 10_000, [rooms[1]!.room]: 5000, [rooms[5]!.room]: 1240 };
