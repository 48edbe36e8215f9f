// The bundled emoji, loaded when first wanted; names in the language in use beside the English short codes.
import type { Language } from "../../i18n";

export interface Emoji {
  readonly emoji: string;
  readonly name: string;
  readonly group: number;
  readonly codes: readonly string[];
  readonly words: string; // everything it is found by
}

interface Entry {
  emoji: string;
  annotation: string;
  group?: number;
  shortcodes?: string[];
  tags?: string[];
}

const loaded = new Map<Language, Promise<readonly Emoji[]>>();

export function loadEmoji(language: Language): Promise<readonly Emoji[]> {
  let promise = loaded.get(language);
  if (!promise) {
    promise = load(language);
    promise.catch(() => loaded.delete(language)); // the next try fetches again
    loaded.set(language, promise);
  }
  return promise;
}

async function load(language: Language): Promise<readonly Emoji[]> {
  const english = (await import("emoji-picker-element-data/en/emojibase/data.json")).default as Entry[];
  const local = language === "zh" ? ((await import("emoji-picker-element-data/zh/emojibase/data.json")).default as Entry[]) : [];
  const names = new Map(local.map((entry) => [entry.emoji, entry]));
  return english
    .filter((entry) => entry.group !== undefined && entry.group !== 2)
    .map((entry) => {
      const other = names.get(entry.emoji);
      const codes = entry.shortcodes ?? [];
      const words = [...codes, entry.annotation, ...(entry.tags ?? []), other?.annotation ?? "", ...(other?.tags ?? [])].join(" ").toLowerCase();
      return { emoji: entry.emoji, name: other?.annotation ?? entry.annotation, group: entry.group!, codes, words };
    });
}

/** Best first: a code that begins so, then any word that does, then any that holds it. */
export function findEmoji(all: readonly Emoji[], query: string, limit: number): Emoji[] {
  const wanted = query.trim().toLowerCase();
  if (!wanted) return [];
  const ranked: [number, Emoji][] = [];
  for (const emoji of all) {
    const rank = emoji.codes.includes(wanted) ? 0 : emoji.codes.some((c) => c.startsWith(wanted)) ? 1 : ` ${emoji.words}`.includes(` ${wanted}`) ? 2 : emoji.words.includes(wanted) ? 3 : 4;
    if (rank < 4) ranked.push([rank, emoji]);
  }
  return ranked
    .sort((a, b) => a[0] - b[0])
    .slice(0, limit)
    .map(([, emoji]) => emoji);
}
