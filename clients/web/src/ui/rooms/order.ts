import type { RoomSummary } from "../../gen/room_pb";

/** Whether the room's name, address or topic holds every word typed. */
export function matchesRoom(title: string, room: RoomSummary, query: string): boolean {
  const text = `${title} ${room.alias} ${room.direct}`.toLocaleLowerCase();
  return query.toLocaleLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/** The room before or after one in the order shown; wraps around. */
export function neighbour(ids: readonly string[], current: string, step: 1 | -1): string | undefined {
  if (ids.length === 0) return undefined;
  const at = ids.indexOf(current);
  if (at < 0) return step > 0 ? ids[0] : ids[ids.length - 1];
  return ids[(at + step + ids.length) % ids.length];
}
