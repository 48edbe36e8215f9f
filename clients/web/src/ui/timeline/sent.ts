// When a message was said: one from beyond a bridge may have been on its way for long.
import type { Event } from "../../gen/room_pb";

/** From then on it is said that a message was sent earlier than it came. */
export const EARLIER_MS = 5 * 60_000;

/** As people see it: the far network's time, where it told one. */
export const saidAt = (event: Event): number => Number(event.sent || event.time);

/** Whether it came so late that its place in the timeline would surprise. */
export const sentEarlier = (event: Event): boolean => Number(event.time) - saidAt(event) > EARLIER_MS;
