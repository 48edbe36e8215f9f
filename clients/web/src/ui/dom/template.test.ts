import { describe, expect, it } from "vitest";
import { buildTemplate } from "./template";

// A document just large enough to write down what was built.
class FakeElement {
  attributes: [string, string][] = [];
  children: unknown[] = [];
  style = { cssText: "" };
  constructor(readonly tagName: string, readonly namespaceURI: string) {}
  setAttribute(name: string, value: string) {
    this.attributes.push([name, value]);
  }
  appendChild(child: unknown) {
    this.children.push(child);
  }
  get firstChild() {
    return this.children[0] ?? null;
  }
}
Object.assign(globalThis, { Element: FakeElement });
const document = {
  createDocumentFragment: () => new FakeElement("#fragment", ""),
  createElement: (name: string) => new FakeElement(name, "html"),
  createElementNS: (ns: string, name: string) => new FakeElement(name, ns),
  createTextNode: (text: string) => text,
  createComment: (text: string) => `<!${text}>`,
} as unknown as Document;

const show = (node: unknown): string => {
  if (!(node instanceof FakeElement)) return String(node);
  const attributes = node.attributes.map(([k, v]) => ` ${k}="${v}"`).join("") + (node.style.cssText ? ` style="${node.style.cssText}"` : "");
  return `${node.namespaceURI.endsWith("svg") ? "svg:" : ""}${node.tagName}${attributes}[${node.children.map(show).join("")}]`;
};
const build = (html: string) => show(buildTemplate(html, document));

describe("buildTemplate", () => {
  it("reads what Solid's compiler writes", () => {
    expect(build('<div class="a b"><span>hi</span><!><p>x')).toBe('div class="a b"[span[hi]<!>p[x]]');
    expect(build("<div><input type=search><b>x</b>y")).toBe('div[input type="search"[]b[x]y]');
    expect(build("<button type=button disabled>a &amp; b&lt;")).toBe('button type="button" disabled=""[a & b<]');
    expect(build('<svg viewBox="0 0 2 2"><path d="M0 0"></path></svg>')).toBe('svg:svg viewBox="0 0 2 2"[svg:path d="M0 0"[]]');
    expect(build("<svg><path d=x /><path d=y /></svg>")).toBe('svg:svg[svg:path d="x"[]svg:path d="y"[]]');
    expect(build("<p style=color:red>a")).toBe('p style="color:red"[a]');
    expect(build('<a title="1 > 0">x')).toBe('a title="1 > 0"[x]');
  });
  it("refuses what it cannot read", () => {
    expect(() => build("<")).toThrow();
    expect(() => build("")).toThrow();
  });
});
