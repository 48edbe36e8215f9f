import { describe, expect, it } from "vitest";
import { isEmojiOnly, mentionedUser, splitMentions } from "./mention";
import { parseMarkdown, safeHref, type Block, type Inline } from "./tree";

type Node = Block | Inline;
const all = (nodes: readonly Node[]): Node[] =>
  nodes.flatMap((n) => [n, ...("c" in n ? all(n.c as Node[]) : []), ...("items" in n ? n.items.flatMap((i) => all(i)) : [])]);
const text = (blocks: readonly Node[]): string => all(blocks).map((n) => ("v" in n ? n.v : "")).join("");
const hrefs = (source: string): string[] => all(parseMarkdown(source)).flatMap((n) => (n.t === "link" ? [n.href] : []));

describe("parseMarkdown", () => {
  it("keeps what people write", () => {
    expect(parseMarkdown("a **b** `c`")).toEqual([{ t: "p", c: [{ t: "text", v: "a " }, { t: "strong", c: [{ t: "text", v: "b" }] }, { t: "text", v: " " }, { t: "code", v: "c" }] }]);
    expect(parseMarkdown("```go\nx := 1\n```")).toEqual([{ t: "pre", lang: "go", v: "x := 1" }]);
    expect(parseMarkdown("~~no~~")[0]).toMatchObject({ c: [{ t: "del" }] });
    expect(parseMarkdown("3. c\n4. d")[0]).toMatchObject({ t: "list", ordered: true, start: 3 });
  });

  it("shows HTML as the text it is", () => {
    for (const source of ["<script>alert(1)</script>", "a <img src=x onerror=alert(1)> b", "<svg/onload=alert(1)>", "<b>bold</b>"]) {
      const tree = parseMarkdown(source);
      expect(text(tree)).toBe(source);
      expect(all(tree).every((n) => ["p", "text"].includes(n.t))).toBe(true);
    }
  });

  it("never loads a picture: it becomes a link", () => {
    expect(parseMarkdown("![cat](https://tracker.example/p.png)")[0]).toEqual({ t: "p", c: [{ t: "link", href: "https://tracker.example/p.png", c: [{ t: "text", v: "cat" }] }] });
  });

  it("links only http, https and mailto", () => {
    expect(hrefs("[a](https://x.example) [b](http://y.example) [c](mailto:a@b.example)")).toHaveLength(3);
    for (const url of ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", " javascript:alert(1)", "java&#115;cript:alert(1)", "//evil.example", "blob:https://x/y"])
      expect(hrefs(`[x](${url}) [y](<${url}>)`)).toEqual([]);
    expect(hrefs("[x][y]\n\n[y]: javascript:alert(1)")).toEqual([]);
    expect(hrefs("see https://x.example/a?b=c and www.y.example")).toEqual(["https://x.example/a?b=c", "http://www.y.example/"]);
    expect(safeHref("https://")).toBeUndefined();
  });

  it("caps nesting", () => {
    const depth = (nodes: readonly Node[]): number => 1 + Math.max(0, ...nodes.map((n) => depth([...("c" in n ? (n.c as Node[]) : []), ...("items" in n ? n.items.flat() : [])].length ? ([...("c" in n ? (n.c as Node[]) : []), ...("items" in n ? n.items.flat() : [])] as Node[]) : [])));
    expect(depth(parseMarkdown("> ".repeat(30) + "deep"))).toBeLessThan(25);
    expect(text(parseMarkdown("> ".repeat(30) + "deep"))).toContain("deep");
    expect(text(parseMarkdown("> ".repeat(5000) + "deep"))).toContain("deep");
  });

  it("stays quick on hostile 64 KB", () => {
    for (const piece of ["*a ", "[", "![", "> ", "- ", "`", "``a", "<a", "&", "_a*", "~~a", "](", "[a](", "a@", "http://a.", "www.a", "\\", "1. ", "#", "|", "\t", "a\n", "- a\n", "[a]: b\n", "***", "@a "]) {
      const started = performance.now();
      parseMarkdown(piece.repeat(Math.ceil(65_000 / piece.length)).slice(0, 65_000));
      expect(performance.now() - started, JSON.stringify(piece)).toBeLessThan(1500);
    }
  }, 60_000);
});

describe("mentions", () => {
  const users = (source: string) => splitMentions(source).flatMap((n) => (n.t === "mention" ? [n.user] : []));
  it("finds local and full names", () => {
    expect(users("hi @alice, and @bob@node.example:8443!")).toEqual(["alice", "bob@node.example:8443"]);
    expect(users("ask @alice.")).toEqual(["alice"]);
    expect(users("(@room)")).toEqual(["room"]);
    expect(users("你好@alice")).toEqual(["alice"]);
    expect(users("@bob@[::1]:8443 and @a.b-c_")).toEqual(["bob@[::1]:8443", "a.b-c"]);
    expect(users("mail a@b.example, x/@y")).toEqual([]);
  });
  it("takes @alice@node.example for a mention, not for mail", () => {
    expect(all(parseMarkdown("hello @alice@node.example there")).map((n) => n.t)).toEqual(["p", "text", "mention", "text"]);
    expect(hrefs("write to carol@node.example")).toEqual(["mailto:carol@node.example"]);
  });
  it("keeps code as it is", () => {
    expect(all(parseMarkdown("`@alice`")).some((n) => n.t === "mention")).toBe(false);
  });
  it("knows whom a name stands for", () => {
    expect(mentionedUser("alice", ["alice@a", "bob@b"])).toBe("alice@a");
    expect(mentionedUser("alice@b", ["alice@a"])).toBeUndefined();
  });
});

describe("isEmojiOnly", () => {
  it("tells a few emoji from text", () => {
    for (const yes of ["🔥", "👍🏽 👨‍👩‍👧", "❤️", "🇨🇭"]) expect(isEmojiOnly(yes), yes).toBe(true);
    for (const no of ["", "1", "#", "ok 👍", "🔥🔥🔥🔥🔥🔥🔥"]) expect(isEmojiOnly(no), no).toBe(false);
  });
});
