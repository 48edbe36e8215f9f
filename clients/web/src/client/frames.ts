// Frames on a byte stream: each is its length as a QUIC varint, then its bytes.
// (On a WebSocket a message is a frame, and nothing here is needed.)
import { decodeVarint, encodeVarint, varintLength } from "./varint";

/** A frame above this is a broken or hostile server: nothing legitimate comes near. */
export const MAX_FRAME_BYTES = 16 * 1024 * 1024;

export function packFrame(frame: Uint8Array): Uint8Array<ArrayBuffer> {
  const length = encodeVarint(frame.length);
  const packed = new Uint8Array(length.length + frame.length);
  packed.set(length);
  packed.set(frame, length.length);
  return packed;
}

/** Cuts a byte stream, however chunked, into frames. */
export class FrameReader {
  #buffer = new Uint8Array(0);
  #start = 0; // of what is not yet a frame
  #end = 0;

  constructor(private readonly max = MAX_FRAME_BYTES) {}

  /** The frames that `chunk` completes. Throws when one is announced longer than allowed. */
  push(chunk: Uint8Array): Uint8Array[] {
    this.#append(chunk);
    const frames: Uint8Array[] = [];
    for (let frame = this.#next(); frame; frame = this.#next()) frames.push(frame);
    return frames;
  }

  #next(): Uint8Array | null {
    if (this.#start === this.#end) return null;
    const head = varintLength(this.#buffer[this.#start]!);
    if (this.#end - this.#start < head) return null;
    const length = decodeVarint(this.#buffer, this.#start);
    if (length > this.max) throw new Error(`frame of ${length} bytes`);
    if (this.#end - this.#start < head + length) return null;
    const from = this.#start + head;
    this.#start = from + length;
    return this.#buffer.slice(from, this.#start); // a copy: the buffer is used again
  }

  #append(chunk: Uint8Array): void {
    const waiting = this.#end - this.#start;
    if (this.#end + chunk.length > this.#buffer.length) {
      const needed = waiting + chunk.length;
      const next = needed > this.#buffer.length ? new Uint8Array(Math.max(needed, 2 * this.#buffer.length)) : this.#buffer;
      next.set(this.#buffer.subarray(this.#start, this.#end));
      this.#buffer = next;
      this.#start = 0;
      this.#end = waiting;
    }
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }
}
