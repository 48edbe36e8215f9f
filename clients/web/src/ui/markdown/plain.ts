// A message in one quiet line: its words without Markdown's marks. By patterns, not by the
// parser: the list of rooms is there before the parser is, and a line that is cut anywhere is enough.
const FENCES = /```[^\n`]*\n?/g;
const BEGINNINGS = /^ {0,3}(?:#{1,6}|>|[-*+])[ \t]+/gm;
const LINKS = /\[([^[\]\n]+)\]\([^()\s]*\)/g;
const MARKS = /(\*\*|~~|`|\*)(?=\S)([^\n]*?\S)\1/g;
const UNDERLINES = /(?<![\p{L}\p{N}_])(__|_)(?=\S)([^\n]*?\S)\1(?![\p{L}\p{N}_])/gu;

export function plain(text: string): string {
  const bare = text.replace(FENCES, "").replace(BEGINNINGS, "").replace(LINKS, "$1");
  return bare.replace(MARKS, "$2").replace(UNDERLINES, "$2").replace(MARKS, "$2"); // once more: **bold with *both* in it**
}
