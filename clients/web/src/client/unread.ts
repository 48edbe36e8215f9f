// Unread and mention counts of one room, kept current from its stream.
//
// The node's summary is the truth as of its head_pos; what comes after that pos is
// counted here. The latest few counted messages are remembered, so that reading up
// to the middle of them, or a summary older than the stream, can be recounted.
import type { RoomSummary } from "../gen/room_pb";

const REMEMBERED = 200;

export class Unread {
  /** Everything up to here is in the counts. */
  counted = 0n;
  readPos = 0n;
  unread = 0;
  mentions = 0;
  #recent: { pos: bigint; mention: boolean }[] = [];

  /** Takes the node's counts, and counts again what came after them. */
  replace(summary: RoomSummary): void {
    // A Read of ours may be on its way while the node says an earlier position.
    const ahead = this.readPos > summary.readPos ? this.readPos : 0n;
    this.readPos = summary.readPos;
    this.unread = summary.unread;
    this.mentions = summary.mentions;
    this.#recent = this.#recent.filter(({ pos }) => pos > summary.headPos);
    for (const { mention } of this.#recent) this.#add(mention);
    // What lies between read_pos and head_pos is only known as a sum.
    if (this.counted < summary.headPos) this.counted = summary.headPos;
    if (ahead) this.readTo(ahead);
  }

  /** Notes that the stream has come to `pos`; false when that was counted before. */
  advance(pos: bigint): boolean {
    if (pos <= this.counted) return false;
    this.counted = pos;
    return true;
  }

  /** Counts a message by somebody else, at the pos that advance() was given. */
  count(pos: bigint, mention: boolean): void {
    this.#recent.push({ pos, mention });
    if (this.#recent.length > REMEMBERED) this.#recent.shift();
    this.#add(mention);
  }

  /** Moves the read position, never back. */
  readTo(pos: bigint): void {
    if (pos <= this.readPos) return;
    this.readPos = pos;
    const rest = this.#recent.filter((message) => message.pos > pos);
    // Where messages older than those remembered may still be unread, the sum is
    // left to the node's next summary; it never counts fewer than are known.
    const known = this.#recent.length > 0 && pos >= this.#recent[0]!.pos;
    if (known || pos >= this.counted) {
      this.unread = rest.length;
      this.mentions = rest.filter(({ mention }) => mention).length;
    }
    this.#recent = rest;
  }

  #add(mention: boolean): void {
    this.unread++;
    if (mention) this.mentions++;
  }
}
