import { describe, expect, test } from "vitest";
import { FrameReader, packFrame } from "./frames";
import { decodeVarint, encodeVarint, varintLength } from "./varint";
import { randomFrom } from "./testing/world";

describe("varint", () => {
  // RFC 9000, appendix A.1
  test.each([
    [37, [0x25]],
    [15_293, [0x7b, 0xbd]],
    [494_878_333, [0x9d, 0x7f, 0x3e, 0x7d]],
    [0, [0x00]],
    [63, [0x3f]],
    [64, [0x40, 0x40]],
    [16_383, [0x7f, 0xff]],
    [16_384, [0x80, 0x00, 0x40, 0x00]],
    [1_073_741_823, [0xbf, 0xff, 0xff, 0xff]],
    [1_073_741_824, [0xc0, 0, 0, 0, 0x40, 0, 0, 0]],
  ])("%i", (n, bytes) => {
    expect([...encodeVarint(n)]).toEqual(bytes);
    expect(decodeVarint(Uint8Array.from(bytes), 0)).toBe(n);
    expect(varintLength(bytes[0]!)).toBe(bytes.length);
  });

  test("longer forms of the same number are accepted", () => {
    expect(decodeVarint(Uint8Array.of(0x40, 0x25), 0)).toBe(37);
    expect(decodeVarint(Uint8Array.of(0xc0, 0, 0, 0, 0, 0, 0, 0x25), 0)).toBe(37);
  });

  test("what is no number is refused", () => {
    for (const n of [-1, 0.5, NaN, 2 ** 53]) expect(() => encodeVarint(n)).toThrow(RangeError);
  });
});

describe("frames", () => {
  test("come out whole however the stream is cut", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = randomFrom(seed);
      const frames = Array.from({ length: 1 + Math.floor(random() * 12) }, () => {
        const size = Math.floor(random() ** 4 * 40_000);
        return Uint8Array.from({ length: size }, () => Math.floor(random() * 256));
      });
      const stream = concat(frames.map(packFrame));
      const reader = new FrameReader();
      const out: Uint8Array[] = [];
      for (let at = 0; at < stream.length; ) {
        const size = 1 + Math.floor(random() ** 3 * 5_000);
        out.push(...reader.push(stream.subarray(at, at + size)));
        at += size;
      }
      expect(out.length).toBe(frames.length);
      expect(out.every((frame, i) => frame.length === frames[i]!.length && frame.every((b, j) => b === frames[i]![j]))).toBe(true);
    }
  });

  test("a frame announced too long ends the stream before it is stored", () => {
    const reader = new FrameReader(1_000);
    expect(reader.push(packFrame(new Uint8Array(1_000)))).toHaveLength(1);
    expect(() => reader.push(encodeVarint(1_001))).toThrow();
    expect(() => new FrameReader().push(Uint8Array.of(0xff, 255, 255, 255, 255, 255, 255, 255))).toThrow();
  });
});

function concat(parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
