import type { Inline } from "./tree";

// What may stand before the @ is as node/room/mention.go has it: anything but the rest of a name or an address.
const MENTION = /(^|[^a-z0-9._@\\/-])@([a-z0-9._-]{1,32})(@(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::\d{1,5})?)?/giu;

/** Cuts "@alice" and "@alice@node" out of a text, as the node does. */
export function splitMentions(text: string): Inline[] {
  if (!text.includes("@")) return [{ t: "text", v: text }];
  const out: Inline[] = [];
  let from = 0;
  for (const match of text.matchAll(MENTION)) {
    const [, lead = "", rawName = "", node = ""] = match;
    const name = node ? rawName : rawName.replace(/[._-]+$/, ""); // "ask @alice." ends a sentence
    if (!name) continue;
    const start = match.index + lead.length;
    if (start > from) out.push({ t: "text", v: text.slice(from, start) });
    const v = `@${name}${node}`;
    out.push({ t: "mention", v, user: (name + node).toLowerCase() });
    from = start + v.length;
  }
  if (from < text.length) out.push({ t: "text", v: text.slice(from) });
  return out;
}

/** Which of the mentioned users a written name stands for. */
export function mentionedUser(written: string, mentions: readonly string[]): string | undefined {
  return mentions.find((user) => user === written) ?? (written.includes("@") ? undefined : mentions.find((user) => user.startsWith(`${written}@`)));
}

const emojiOnly = ((): RegExp => {
  try {
    return new RegExp("^(?:\\p{RGI_Emoji}\\s*){1,6}$", "v");
  } catch {
    return /^(?:\p{Extended_Pictographic}[\u{1f3fb}-\u{1f3ff}\ufe0f]?(?:\u200d\p{Extended_Pictographic}\ufe0f?)*\s*){1,6}$/u;
  }
})();

/** A message of a few emoji and nothing else is shown larger. */
export const isEmojiOnly = (text: string): boolean => text.length <= 80 && emojiOnly.test(text.trim());
