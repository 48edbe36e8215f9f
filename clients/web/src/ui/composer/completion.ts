// What is being typed at the caret, and how a suggestion replaces it; pure.
export interface Token {
  readonly kind: "mention" | "emoji";
  readonly query: string;
  readonly from: number; // of the @ or :
  readonly to: number;
}

/** The mention or emoji that ends at the caret, if any. */
export function tokenAt(text: string, caret: number): Token | null {
  const before = text.slice(0, caret);
  const mention = /(?:^|[^a-zA-Z0-9._@\\/-])@([\p{L}\p{N}._-]{0,32})$/u.exec(before);
  if (mention) return { kind: "mention", query: mention[1]!, from: caret - mention[1]!.length - 1, to: caret };
  const emoji = /(?:^|[\s([{"'*_~])[:：]([\p{L}\p{N}_+-]{2,32})$/u.exec(before);
  if (emoji) return { kind: "emoji", query: emoji[1]!, from: caret - emoji[1]!.length - 1, to: caret };
  return null;
}

/** The text with the token replaced, and where the caret goes. */
export function complete(text: string, token: Token, replacement: string): { text: string; caret: number } {
  const space = /^\s/.test(text.slice(token.to)) ? "" : " ";
  const head = text.slice(0, token.from) + replacement + space;
  return { text: head + text.slice(token.to), caret: space ? head.length : head.length + 1 };
}

/** "/me waves" is an action, "//path" a text that begins with a slash. */
export function readCommand(text: string): { text: string; emote: boolean } {
  const me = /^\/me\s+([\s\S]+)$/.exec(text);
  if (me) return { text: me[1]!, emote: true };
  return { text: text.startsWith("//") ? text.slice(1) : text, emote: false };
}

export const MAX_BYTES = 65_536;
const encoder = new TextEncoder();
/** Bytes as the node counts them. Short texts are not encoded: no text has more than three bytes a unit. */
export const byteLength = (text: string): number => (text.length * 3 <= MAX_BYTES ? text.length : encoder.encode(text).length);
