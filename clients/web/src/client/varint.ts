// QUIC's variable-length integers (RFC 9000, section 16): the top two bits of the
// first byte say how many bytes there are (1, 2, 4 or 8), the rest is the number,
// big-endian.

/** Encodes 0 <= n <= Number.MAX_SAFE_INTEGER in the shortest form. */
export function encodeVarint(n: number): Uint8Array<ArrayBuffer> {
  if (!Number.isSafeInteger(n) || n < 0) throw new RangeError(`varint of ${n}`);
  if (n < 0x40) return Uint8Array.of(n);
  if (n < 0x4000) return Uint8Array.of(0x40 | (n >> 8), n & 0xff);
  const bytes = new Uint8Array(n < 0x4000_0000 ? 4 : 8);
  const view = new DataView(bytes.buffer);
  if (bytes.length === 4) view.setUint32(0, n | 0x8000_0000);
  else view.setBigUint64(0, BigInt(n) | (3n << 62n));
  return bytes;
}

/** How many bytes the varint that begins with `first` has. */
export function varintLength(first: number): 1 | 2 | 4 | 8 {
  return (1 << (first >> 6)) as 1 | 2 | 4 | 8;
}

/** Decodes the varint at `offset`; the caller has made sure that it is whole. */
export function decodeVarint(bytes: Uint8Array, offset: number): number {
  const length = varintLength(bytes[offset]!);
  let n = bytes[offset]! & 0x3f;
  // Multiplied, not shifted: an 8-byte form is wider than 32 bits.
  for (let i = 1; i < length; i++) n = n * 256 + bytes[offset + i]!;
  return n;
}
