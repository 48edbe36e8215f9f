// Message text (Markdown) to a small tree that holds only what the page shows: no raw
// HTML, no pictures from outside, only http, https and mailto links. Pure; no DOM.
import type { Nodes, PhrasingContent, Root, RootContent } from "mdast";
import { fromMarkdown } from "mdast-util-from-markdown";
import { gfmAutolinkLiteralFromMarkdown } from "mdast-util-gfm-autolink-literal";
import { gfmStrikethroughFromMarkdown } from "mdast-util-gfm-strikethrough";
import { gfmAutolinkLiteral } from "micromark-extension-gfm-autolink-literal";
import { gfmStrikethrough } from "micromark-extension-gfm-strikethrough";
import { splitMentions } from "./mention";

export type Inline =
  | { t: "text"; v: string }
  | { t: "mention"; v: string; user: string }
  | { t: "break" }
  | { t: "code"; v: string }
  | { t: "strong" | "em" | "del"; c: Inline[] }
  | { t: "link"; href: string; c: Inline[] };

export type Block =
  | { t: "p"; c: Inline[] }
  | { t: "heading"; level: number; c: Inline[] }
  | { t: "quote"; c: Block[] }
  | { t: "list"; ordered: boolean; start: number; items: Block[][] }
  | { t: "pre"; lang: string; v: string }
  | { t: "rule" };

/** Deeper than anybody writes; what lies below is shown as plain text. */
const MAX_DEPTH = 16;
/** Texts with more marks than this are attacks or dumps: parsing them could hold the page up. */
const MAX_MARKS = 4000;
const MAX_LINES = 3000;
const MAX_PARSED = 65_536;

export function parseMarkdown(source: string): Block[] {
  const text = source.replace(/\r\n?/g, "\n");
  if (!affordable(text)) return [{ t: "p", c: [{ t: "text", v: text }] }];
  let root: Root;
  try {
    root = fromMarkdown(text, {
      extensions: [gfmStrikethrough(), gfmAutolinkLiteral()],
      mdastExtensions: [gfmStrikethroughFromMarkdown(), gfmAutolinkLiteralFromMarkdown()],
    });
  } catch {
    return [{ t: "p", c: [{ t: "text", v: text }] }];
  }
  return new Reader(root).blocks(root.children, 0);
}

function affordable(text: string): boolean {
  if (text.length > MAX_PARSED) return false;
  let marks = 0;
  let lines = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "\n" && ++lines > MAX_LINES) return false;
    if ("*_[]`~<>!&\\@".includes(text[i]!) && ++marks > MAX_MARKS) return false;
  }
  return !/^(?:[ \t]*(?:>|[-+*]|\d{1,9}[.)])){40}/m.test(text);
}

/** The address when a person may follow it, else undefined. */
export function safeHref(url: string): string | undefined {
  const trimmed = url.trim();
  if (!/^(?:https?:\/\/|mailto:)/i.test(trimmed)) return undefined;
  try {
    return new URL(trimmed).href;
  } catch {
    return undefined;
  }
}

class Reader {
  private readonly definitions = new Map<string, string>();

  constructor(root: Root) {
    for (const node of root.children) if (node.type === "definition") this.definitions.set(node.identifier, node.url);
  }

  blocks(nodes: readonly RootContent[], depth: number): Block[] {
    return nodes.flatMap((node) => this.block(node, depth));
  }

  private block(node: RootContent, depth: number): Block[] {
    if (depth > MAX_DEPTH) return [{ t: "p", c: [{ t: "text", v: plainText(node) }] }];
    switch (node.type) {
      case "paragraph":
        return [{ t: "p", c: this.inlines(node.children, depth + 1) }];
      case "heading":
        return [{ t: "heading", level: node.depth, c: this.inlines(node.children, depth + 1) }];
      case "blockquote":
        return [{ t: "quote", c: this.blocks(node.children, depth + 1) }];
      case "list":
        return [{ t: "list", ordered: node.ordered ?? false, start: node.start ?? 1, items: node.children.map((item) => this.blocks(item.children, depth + 2)) }];
      case "code":
        return [{ t: "pre", lang: node.lang ?? "", v: node.value }];
      case "thematicBreak":
        return [{ t: "rule" }];
      case "html":
        return [{ t: "p", c: [{ t: "text", v: node.value }] }];
      case "definition":
        return [];
      default:
        return [{ t: "p", c: this.inlines([node as PhrasingContent], depth + 1) }];
    }
  }

  private inlines(nodes: readonly PhrasingContent[], depth: number): Inline[] {
    return joinMentions(nodes.flatMap((node) => this.inline(node, depth)));
  }

  private inline(node: PhrasingContent, depth: number): Inline[] {
    if (depth > MAX_DEPTH) return [{ t: "text", v: plainText(node) }];
    switch (node.type) {
      case "text":
      case "html":
        return [{ t: "text", v: node.value }];
      case "break":
        return [{ t: "break" }];
      case "inlineCode":
        return [{ t: "code", v: node.value }];
      case "strong":
        return [{ t: "strong", c: this.inlines(node.children, depth + 1) }];
      case "emphasis":
        return [{ t: "em", c: this.inlines(node.children, depth + 1) }];
      case "delete":
        return [{ t: "del", c: this.inlines(node.children, depth + 1) }];
      case "link":
        return this.link(node.url, this.inlines(node.children, depth + 1));
      case "linkReference":
        return this.link(this.definitions.get(node.identifier) ?? "", this.inlines(node.children, depth + 1));
      case "image": // never fetched: that would tell the picture's host who reads here
        return this.link(node.url, [{ t: "text", v: node.alt || node.url }]);
      case "imageReference":
        return this.link(this.definitions.get(node.identifier) ?? "", [{ t: "text", v: node.alt || node.identifier }]);
      default:
        return [{ t: "text", v: plainText(node) }];
    }
  }

  private link(url: string, content: Inline[]): Inline[] {
    const href = safeHref(url);
    const c: Inline[] = content.length > 0 ? content : [{ t: "text", v: url }];
    return href ? [{ t: "link", href, c }] : c;
  }
}

/** "@" followed by an address that was taken for e-mail is a mention: @alice@node.example. */
function joinMentions(nodes: Inline[]): Inline[] {
  const joined: Inline[] = [];
  for (const node of nodes) {
    const before = joined[joined.length - 1];
    const text = node.t === "link" && node.href.startsWith("mailto:") && node.c[0]?.t === "text" ? node.c[0].v : undefined;
    if (before?.t === "text" && node.t === "text") joined[joined.length - 1] = { t: "text", v: before.v + node.v };
    else if (text !== undefined && before?.t === "text" && before.v.endsWith("@")) joined[joined.length - 1] = { t: "text", v: before.v + text };
    else joined.push(node);
  }
  return joined.flatMap((node) => (node.t === "text" ? splitMentions(node.v) : [node]));
}

function plainText(node: Nodes): string {
  if ("value" in node) return node.value;
  if ("children" in node) {
    // Without recursion: this is what runs when the tree is too deep.
    let out = "";
    const stack: Nodes[] = [...node.children].reverse();
    for (let next = stack.pop(); next; next = stack.pop()) {
      if ("value" in next) out += next.value;
      else if ("children" in next) stack.push(...[...next.children].reverse());
    }
    return out;
  }
  return "alt" in node ? (node.alt ?? "") : "";
}
