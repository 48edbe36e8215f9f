// The rooms of the user, as the node summed them up and as their streams have
// moved on since; and how far each stream has been followed.
import type { Event, Item, RoomSummary, Settings } from "../gen/room_pb";
import { isMessage } from "./kinds";
import { Unread } from "./unread";

interface Room {
  summary: RoomSummary; // never changed in place: views compare identities
  cursor: bigint; // pos of the last item taken
  unread: Unread;
}

const LAST_TEXT = 100;

export class Rooms {
  readonly #rooms = new Map<string, Room>();
  #list: readonly RoomSummary[] | null = null;

  /** Joined and invited, most recent first. */
  list(): readonly RoomSummary[] {
    this.#list ??= [...this.#rooms.values()].map((room) => room.summary).sort(byRecency);
    return this.#list;
  }

  get(room: string): RoomSummary | undefined {
    return this.#rooms.get(room)?.summary;
  }

  cursor(room: string): bigint {
    return this.#rooms.get(room)?.cursor ?? 0n;
  }

  /** For Open: where to go on. Only joined rooms have a stream. */
  cursors(): Record<string, bigint> {
    const joined = [...this.#rooms].filter(([, { summary }]) => summary.membership === "join");
    return Object.fromEntries(joined.map(([id, { cursor }]) => [id, cursor]));
  }

  /**
   * Takes the answer to Open. Rooms not in it have gone; both lists are returned,
   * and the rooms whose stream was set back (the node was restored from a backup).
   */
  replaceAll(summaries: readonly RoomSummary[]): { gone: string[]; setBack: string[] } {
    const named = new Set(summaries.map((summary) => summary.room));
    const gone = [...this.#rooms.keys()].filter((room) => !named.has(room));
    for (const room of gone) this.#remove(room);
    const setBack = summaries.filter((s) => s.headPos < this.cursor(s.room)).map((s) => s.room);
    for (const room of setBack) this.#remove(room);
    for (const summary of summaries) this.upsert(summary);
    return { gone, setBack };
  }

  /** Takes a summary; false: it says that the room has gone. */
  upsert(summary: RoomSummary): boolean {
    const id = summary.room;
    if (summary.membership !== "join" && summary.membership !== "invite") {
      this.#remove(id);
      return false;
    }
    let room = this.#rooms.get(id);
    if (!room || (room.summary.membership !== "join" && summary.membership === "join")) {
      room = { summary, cursor: summary.headPos, unread: new Unread(summary.headPos) };
      this.#rooms.set(id, room);
    }
    room.unread.replace(summary);
    const stale = summary.headPos < room.cursor;
    this.#set(room, stale ? { ...summary, ...last(room.summary), headPos: room.cursor } : summary);
    return true;
  }

  /** Takes one item of a room's stream; false: it is a duplicate, or of no room of ours. */
  take(id: string, item: Item, me: string): boolean {
    const room = this.#rooms.get(id);
    const event = item.event;
    if (!room || !event || event.pos <= room.cursor) return false;
    room.cursor = event.pos;
    const fresh = room.unread.advance(event.pos);
    const message = isMessage(event);
    if (message && event.author !== me && !event.silent) room.unread.note(event.pos, mentions(event, me), fresh);
    if (!fresh) return true; // the summary has all else of it
    const changed: Partial<RoomSummary> = { headPos: event.pos };
    if (message) Object.assign(changed, { lastTime: event.time, lastText: beginning(saidIn(event)), lastAuthor: saidBy(event) });
    if (message && event.author === me) {
      room.unread.readTo(event.pos);
      changed.readEvent = event.id;
    }
    // The line shown in the list was edited or deleted.
    const { target } = item;
    if (target && target.time === room.summary.lastTime && saidBy(target) === room.summary.lastAuthor) {
      changed.lastText = beginning(saidIn(target));
    }
    if (event.kind === "settings" && event.settings) Object.assign(changed, settingsOf(event.settings));
    this.#set(room, { ...room.summary, ...changed });
    return true;
  }

  readTo(id: string, pos: bigint): void {
    const room = this.#rooms.get(id);
    if (!room || pos <= room.unread.readPos) return;
    room.unread.readTo(pos);
    this.#set(room, room.summary);
  }

  /** Changes fields that a command of ours has just changed at the node. */
  patch(id: string, fields: Partial<RoomSummary>): void {
    const room = this.#rooms.get(id);
    if (room) this.#set(room, { ...room.summary, ...fields });
  }

  remove(id: string): void {
    this.#remove(id);
  }

  clear(): void {
    this.#rooms.clear();
    this.#list = null;
  }

  #remove(id: string): void {
    this.#rooms.delete(id);
    this.#list = null;
  }

  #set(room: Room, fields: RoomSummary): void {
    const { readPos, unread, mentions } = room.unread;
    room.summary = { ...fields, readPos, unread, mentions };
    this.#list = null;
  }
}

export function mentions(event: { mentions: string[]; mentionRoom: boolean }, me: string): boolean {
  return event.mentionRoom || event.mentions.includes(me);
}

function beginning(text: string): string {
  return [...text.slice(0, 2 * LAST_TEXT)].slice(0, LAST_TEXT).join("");
}

/** Those that the event names. The alias is left to the summary: only there it is in full. */
function settingsOf({ name, topic, avatar, public: open }: Settings): Partial<RoomSummary> {
  return Object.fromEntries(Object.entries({ name, topic, avatar, public: open }).filter(([, value]) => value !== undefined));
}

/** As the node says it in a summary: a message without words by its file, a ghost by its name. */
const saidIn = (event: Event): string => event.text || (event.files[0] ? `📎 ${event.files[0].name}` : "");
const saidBy = (event: Event): string => event.ghost?.name || event.author;

function last({ lastTime, lastText, lastAuthor }: RoomSummary): Partial<RoomSummary> {
  return { lastTime, lastText, lastAuthor };
}

/** Invitations first: they wait for an answer. Then by the newest message. */
function byRecency(a: RoomSummary, b: RoomSummary): number {
  const invited = Number(b.membership === "invite") - Number(a.membership === "invite");
  if (invited !== 0) return invited;
  if (a.lastTime !== b.lastTime) return a.lastTime > b.lastTime ? -1 : 1;
  return a.room < b.room ? -1 : 1;
}
