// Unread and mention counts of one room, kept current from its stream.
//
// The node's summary is the truth as of its head_pos; what comes after that pos is
// counted here. The latest messages seen are remembered, counted by whom ever, so
// that reading up to the middle of them, or a summary that is older than the stream,
// can be reckoned without asking.
import type { RoomSummary } from "../gen/room_pb";

const REMEMBERED = 200;

export class Unread {
  /** Everything up to here is in the counts. */
  counted = 0n;
  readPos = 0n;
  unread = 0;
  mentions = 0;
  #recent: { pos: bigint; mention: boolean }[] = []; // by others, after readPos
  #seen: bigint; // pos of the stream's last item
  #from: bigint; // every message from here to #seen is in #recent, if unread

  /** `cursor`: where the stream begins. */
  constructor(cursor: bigint) {
    this.#seen = cursor;
    this.#from = cursor + 1n;
  }

  /** Takes the node's counts, and counts again what came after them. */
  replace(summary: RoomSummary): void {
    // A Read of ours may be on its way while the node says an earlier position.
    const ahead = this.readPos > summary.readPos ? this.readPos : 0n;
    this.readPos = summary.readPos;
    this.unread = summary.unread;
    this.mentions = summary.mentions;
    this.#recent = this.#recent.filter(({ pos }) => pos > summary.readPos);
    for (const { pos, mention } of this.#recent) if (pos > summary.headPos) this.#add(mention, 1);
    if (this.counted < summary.headPos) this.counted = summary.headPos;
    // What lies between the two positions may have been forgotten as read.
    if (ahead) {
      if (this.#from <= ahead) this.#from = ahead + 1n;
      this.readTo(ahead);
    }
  }

  /** Notes that the stream has come to `pos`; false when a summary had counted that already. */
  advance(pos: bigint): boolean {
    if (pos !== this.#seen + 1n) this.#from = pos; // a gap
    this.#seen = pos;
    if (pos <= this.counted) return false;
    this.counted = pos;
    return true;
  }

  /** A message by somebody else at `pos`; `fresh`: what advance() said of it. */
  note(pos: bigint, mention: boolean, fresh: boolean): void {
    if (pos <= this.readPos) return;
    if (fresh) this.#add(mention, 1);
    this.#recent.push({ pos, mention });
    if (this.#recent.length > REMEMBERED) this.#from = this.#recent.shift()!.pos + 1n;
  }

  /** Moves the read position, never back. */
  readTo(pos: bigint): void {
    const before = this.readPos;
    if (pos <= before) return;
    const read = this.#recent.filter((message) => message.pos <= pos);
    this.#recent = this.#recent.filter((message) => message.pos > pos);
    this.readPos = pos;
    if (pos >= this.counted) this.unread = this.mentions = 0;
    else if (before + 1n >= this.#from) for (const { mention } of read) this.#add(mention, -1);
    else if (this.#seen >= this.counted && pos + 1n >= this.#from) this.#recount();
    // Otherwise the sum is left to the node's next summary.
  }

  #recount(): void {
    this.unread = this.#recent.length;
    this.mentions = this.#recent.filter(({ mention }) => mention).length;
  }

  #add(mention: boolean, by: 1 | -1): void {
    this.unread = Math.max(0, this.unread + by);
    if (mention) this.mentions = Math.max(0, this.mentions + by);
  }
}
