import type { Profile, RoomSummary } from "../gen/room_pb";
import type { Blocks } from "./blocks";
import type { Lessons } from "./commands";
import type { Feed } from "./feed";
import type { Nodes } from "./nodes";
import type { Presence } from "./presence";
import type { Profiles } from "./profiles";
import type { Rooms } from "./rooms";

export interface Pupils {
  readonly feed: Feed;
  readonly rooms: Rooms;
  readonly profiles: Profiles;
  readonly presence: Presence;
  readonly blocks: Blocks;
  readonly nodes: Nodes;
  setProfile(profile: Profile): void;
  roomsChanged(): void;
}

/**
 * What the client learns from the answers to commands, so that what a person has
 * just done is on show at once, whether or not the node also tells of it.
 */
export function lessons(to: Pupils): Lessons {
  const summary = (room: RoomSummary) => to.feed.summary(room);
  const profilesOf = (response: { profiles: Parameters<Profiles["put"]>[0] }) => to.profiles.put(response.profiles);
  return {
    roomCreate: summary,
    roomDirect: summary,
    roomJoin: summary,
    roomSet: summary,
    roomLeave: (_, { room = "" }) => to.feed.left(room),
    roomGet({ summary: room, nodes }) {
      if (room) to.nodes.put(room.room, nodes);
      // Also of rooms that one may look at from outside: those are not in the list.
      if (room && to.rooms.get(room.room)) to.feed.summary(room);
    },
    rooms(response) {
      for (const room of response.rooms) to.feed.summary(room);
    },
    roomMute(_, { room = "", muted = "" }) {
      to.rooms.patch(room, { muted });
      to.roomsChanged();
    },
    members(response) {
      to.profiles.put(response.members.map((member) => member.profile));
      for (const { user, online } of response.members) to.presence.addOnline(user, online);
    },
    receipts(response, { room = "" }) {
      to.presence.addReceipts(room, response.receipts);
    },
    watch(response) {
      to.presence.setOnline(response.online);
    },
    block(_, { user = "", node = "", on = false }) {
      to.blocks.set(user, node, on);
    },
    blocks({ users, nodes }) {
      to.blocks.replace(users, nodes);
    },
    profileSet: (profile) => to.setProfile(profile),
    profiles: profilesOf,
    userFind: profilesOf,
    history: profilesOf,
    pins: profilesOf,
    search: profilesOf,
    adminUsers(response) {
      to.profiles.put(response.users.map((user) => user.profile));
    },
  };
}
