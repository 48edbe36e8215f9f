// Addresses as people type them; what stands behind the @ is as node/room has it.
const NODE = String.raw`(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::\d{1,5})?`;
const ROOM = new RegExp(`^#([a-z0-9._-]{1,64})@(${NODE})$`);
const USER = new RegExp(`^@?([a-z0-9._-]{1,64})@(${NODE})$`);
const NAME = new RegExp(`^${NODE}$`);

export interface Address {
  readonly full: string; // as the protocol has it: #garden@other.example, alice@other.example
  readonly node: string;
}

/** #garden@other.example; undefined when it is none, or not one yet. */
export function roomAddress(text: string): Address | undefined {
  const match = ROOM.exec(text.trim().toLowerCase());
  return match ? { full: `#${match[1]}@${match[2]}`, node: match[2]! } : undefined;
}

/** alice@other.example, with or without an @ before it. */
export function userAddress(text: string): Address | undefined {
  const match = USER.exec(text.trim().toLowerCase());
  return match ? { full: `${match[1]}@${match[2]}`, node: match[2]! } : undefined;
}

/** other.example, or other.example:8443 */
export function nodeName(text: string): string | undefined {
  const name = text.trim().toLowerCase().replace(/^@/, "");
  return NAME.test(name) ? name : undefined;
}
