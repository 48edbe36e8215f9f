// Answers of the made-up node. Development only.
import { create } from "@bufbuild/protobuf";
import type { Commands } from "../../client/api";
import { AdminPeersResponseSchema, AdminReportsResponseSchema, AdminUserSchema, CheckSchema, DeviceSchema, EditionSchema, InviteSchema, SearchHitSchema } from "../../gen/client_pb";
import { MemberSchema, ReactionSchema, RoomSummarySchema } from "../../gen/room_pb";
import { ME, NODE, profiles, roomNodes, rooms, user, users } from "./data";
import type { FakeClient, FakeOptions } from "./fake";

type Request = Record<string, unknown>;
const roles = ["owner", "administrator", "moderator", "member", "member", "member", "readonly", "member", "member"];

export function fakeCommands(client: FakeClient, options: FakeOptions): Commands {
  const text = (r: Request, key: string) => String(r[key] ?? "").toLowerCase();
  const found = (query: string) => [...profiles.values()].filter((p) => (p.user + p.displayName).toLowerCase().includes(query));
  const event = (r: Request) => client.events(String(r.room)).find((e) => e.id === r.event);
  const table: Record<string, (r: Request) => unknown> = {
    serverInfo: (r) => ({ name: NODE, version: "0.1.0", registration: options.registration, inviteValid: r.invite === "good" || r.invite === "admin", inviteAdmin: r.invite === "admin" }),
    roomGet: (r) => ({
      summary: client.room(String(r.room)),
      creator: ME,
      nodes: client.nodes(String(r.room)),
      rights: Object.fromEntries(["say", "react", "edit_own", "delete_own", "delete_any", "pin", "mention_room", "invite", "kick", "ban", "role", "settings", "stewards", "node_ban"].map((k) => [k, client.room(String(r.room))?.role !== "readonly"])),
    }),
    members: (r) => {
      const members = found(text(r, "query")).map((profile) => create(MemberSchema, { user: profile.user, membership: String(r.membership || "join"), role: roles[users.indexOf(profile.user)], profile, online: client.online(profile.user) }));
      return { members: r.membership === "ban" ? [] : members.slice(0, Number(r.limit) || 50), next: "", total: members.length };
    },
    userFind: (r) => ({ profiles: found(text(r, "query")) }),
    notices: () => ({ notices: [] }),
    blocks: () => ({ users: [...client.blocks.users], nodes: [...client.blocks.nodes] }),
    adminPeers: () =>
      create(AdminPeersResponseSchema, {
        name: NODE,
        key: "3q2-7wAb9Zt2Lk7cWq3nXr0x9Zt2Lk7cWq3nXr0x9Zs",
        addresses: ["192.0.2.7:8443", "[2001:db8::7]:8443"],
        policy: "invite",
        peers: [
          { name: roomNodes[1]!.name, state: "up", rttMs: 12.34, rooms: 4, since: BigInt(Date.now() - 4e7), version: "0.3.0", gossip: true, key: "abc" },
          { name: "allotment.example", state: "down", rooms: 1, behind: 1205n, since: BigInt(Date.now() - 9e6), error: "No answer on UDP 203.0.113.9:8443.", key: "def" },
          { name: "new.example", state: "connecting", since: BigInt(Date.now()) },
          { name: "spam.example", state: "down", blocked: true, since: BigInt(Date.now() - 9e8) },
        ],
        alarms: [{ time: BigInt(Date.now() - 3e6), peer: "allotment.example", text: "Somebody uses this name with another key. Its administrator can tell you whether the node has a new key; until you forget the old one, the new one is refused." }],
      }),
    adminReports: () =>
      create(AdminReportsResponseSchema, {
        reports: [
          { id: "1", room: rooms[0]!.room, roomName: "Garden", event: "e009990", author: "seller1@orchard.example:8443", text: "BUY SEEDS NOW http://seeds.example", reason: "Advertising, for the third time", reporter: user(1), time: BigInt(Date.now() - 3e6) },
          { id: "2", room: "elsewhere", roomName: "Choir", event: "e1", author: user(4), text: "", reason: "", reporter: user(2), time: BigInt(Date.now() - 9e7) },
        ],
      }),
    adminNodeInvite: () => ({ link: `https://${NODE}:8443/#/node/${NODE}/3q2-7wAb9Zt2Lk7cWq3nXr0x9Zt2Lk7cWq3nXr0x9Zs/Wq3nXr0x9Zt2Lk7c` }),
    adminNodeJoin: (r) => {
      throw Object.assign(new Error(`${String(r.link)} does not answer. Check that its UDP port is open.`), { code: "unavailable" });
    },
    roomJoin: (r) => {
      if (String(r.room).startsWith("#")) throw Object.assign(new Error("That node cannot be reached."), { code: "unavailable" });
      return {};
    },
    roomFind: (r) => ({
      rooms: rooms.filter((x) => x.public && (x.name + x.alias).toLowerCase().includes(text(r, "query"))).map((x, i) => create(RoomSummarySchema, { ...x, membership: i % 3 ? "" : "join", room: x.room + (i % 3 ? "z" : "") })),
      next: "",
    }),
    roomDirect: () => rooms[2],
    roomCreate: () => rooms[3],
    react: (r) => {
      const now = event(r);
      if (!now) return {};
      const others = now.reactions.map((x) => create(ReactionSchema, { emoji: x.emoji, users: x.emoji === r.emoji ? x.users.filter((u) => u !== ME) : x.users }));
      if (r.on) {
        const same = others.find((x) => x.emoji === r.emoji);
        if (same) same.users.push(ME);
        else others.push(create(ReactionSchema, { emoji: String(r.emoji), users: [ME] }));
      }
      client.replace(String(r.room), now.id, { reactions: others });
      return {};
    },
    edit: (r) => client.replace(String(r.room), String(r.event), { text: String(r.text), edited: BigInt(Date.now()), edits: 1 }),
    delete: (r) => client.replace(String(r.room), String(r.event), { deleted: true, text: "" }),
    pin: (r) => client.replace(String(r.room), String(r.event), { pinned: Boolean(r.on) }),
    pins: (r) => ({ events: client.events(String(r.room)).filter((e) => e.pinned), profiles: [] }),
    search: (r) => {
      const room = String(r.room || rooms[0]!.room);
      const hits = client.events(room).filter((e) => e.text.toLowerCase().includes(text(r, "query")));
      const offset = Number(r.offset) || 0;
      return { hits: hits.reverse().slice(offset, offset + 30).map((e) => create(SearchHitSchema, { room, event: e })), total: BigInt(hits.length), profiles: [], indexing: false };
    },
    editHistory: (r) => ({
      editions: ["The key hangs beside the blue door.", "The key to the shed hangs beside the blue door.", event(r)?.text ?? ""].map((t, i) => create(EditionSchema, { text: t, time: BigInt(Date.now() - (3 - i) * 600_000) })),
    }),
    devices: () => ({
      devices: ["Firefox on Linux", "Chrome on Android", "hearth command line"].map((name, i) => create(DeviceSchema, { id: `d${i}`, name, current: i === 0, created: BigInt(Date.now() - 9e9), seen: BigInt(Date.now() - i * 9e6), address: `192.0.2.${i + 7}` })),
    }),
    adminUsers: (r) => {
      const list = found(text(r, "query")).map((profile, i) => create(AdminUserSchema, { profile: { ...profile, disabled: i === 7 }, admin: i < 2, created: BigInt(Date.now() - 9e9), seen: i === 8 ? 0n : BigInt(Date.now() - i * 8e6), devices: i + 1 }));
      return { users: list, next: "", total: list.length };
    },
    adminUserAdd: (r) => ({ user: `${String(r.username)}@${NODE}`, displayName: String(r.displayName) }),
    adminInvites: () => ({
      invites: ["for the reading circle", "for Hana's sister", ""].map((note, i) => create(InviteSchema, { id: `i${i}`, note, usesLeft: 3 - i, expires: BigInt(Date.now() + 4e8), createdBy: user(0), admin: i === 1 })),
    }),
    adminInviteCreate: (r) => create(InviteSchema, { id: "new", link: `https://${NODE}:8443/#/invite/Wq3nXr0x9Zt2Lk7c`, note: String(r.note), usesLeft: Number(r.uses), expires: BigInt(Date.now() + 6e8), createdBy: ME }),
    adminRooms: () => ({ rooms, next: "", total: rooms.length }),
    adminHealth: () => ({
      checks: [
        ["Store", "ok", "10,482 events, last synced 3 s ago"],
        ["Disk", "warning", "14 % free; media is refused under 10 %"],
        ["WebTransport certificate", "ok", "renewed in 6 days"],
        ["Search index", "ok", "up to date"],
        ["UDP", "failed", "No WebTransport session in the last hour. Check that UDP port 8443 is open."],
      ].map(([name, state, detail]) => create(CheckSchema, { name, state, detail })),
      figures: { uptime_seconds: 345_600, memory_bytes: 58_200_000, sessions: 12, rooms: 16, users: 9, events: 10_482, disk_bytes: 412_000_000, disk_free_bytes: 7_400_000_000 },
      version: "0.1.0",
    }),
  };
  return new Proxy({} as Commands, {
    get: (_, name: string) => async (request: Request) => {
      await new Promise((resolve) => setTimeout(resolve, 60));
      return table[name]?.(request) ?? {};
    },
  });
}
