import { parseMarkdown, type Block } from "./tree";

const LIMIT = 600;
const trees = new Map<string, Block[]>();

/** The parsed text of a message, kept while it is among those shown last. */
export function cachedTree(key: string, text: string): Block[] {
  let tree = trees.get(key);
  if (tree) trees.delete(key);
  else tree = parseMarkdown(text);
  trees.set(key, tree);
  if (trees.size > LIMIT) trees.delete(trees.keys().next().value!);
  return tree;
}
