// What the kinds of events mean for what is shown.
import type { Event } from "../gen/room_pb";

const messages = new Set(["text", "emote"]);
const states = new Set(["create", "join", "leave", "invite", "kick", "ban", "unban", "role", "settings", "nodeban", "nodeunban", "stewards"]);
const membership = new Set(["create", "join", "leave", "invite", "kick", "ban", "unban", "role", "nodeban"]);

/** Something said: it counts as unread, and can be edited, deleted, answered. */
export function isMessage(event: Event): boolean {
  return messages.has(event.kind);
}

/** A line of a timeline of its own; all else is told by its target. */
export function isLine(event: Event): boolean {
  return messages.has(event.kind) || states.has(event.kind);
}

/** Somebody's standing in the room changed. */
export function changesMembers(event: Event): boolean {
  return membership.has(event.kind);
}
