// Builds what Solid's compiler wrote as HTML text (only ever text from our own source,
// fixed when the page is built) without innerHTML, so that the page needs no Trusted
// Types policy at all: `trusted-types 'none'`. vite/noInnerHTML.ts puts this function
// into solid-js/web in place of the assignment. It knows the subset of HTML the compiler
// emits: elements, attributes (quoted or not), text, comments, closing tags left out at the end.

const SVG = "http://www.w3.org/2000/svg";
const VOID = new Set(["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]);
const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0" };
const TOKEN = /<!--([\s\S]*?)-->|<!([^>]*)>|<\/([a-zA-Z][\w:-]*)\s*>|<([a-zA-Z][\w:-]*)((?:[^>"']|"[^"]*"|'[^']*')*)>|([^<]+)/gy;
const ATTRIBUTE = /([^\s=/]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s]+)))?/g;

function decode(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex?: string, dec?: string, name?: string) => {
    if (hex) return String.fromCodePoint(parseInt(hex, 16));
    if (dec) return String.fromCodePoint(parseInt(dec, 10));
    return ENTITIES[name ?? ""] ?? whole;
  });
}

function setAttributes(element: Element, source: string): void {
  for (const [, name = "", double, single, bare] of source.matchAll(ATTRIBUTE)) {
    const value = decode(double ?? single ?? bare ?? "");
    // A style attribute would need style-src 'unsafe-inline'; the CSSOM does not.
    if (name === "style") (element as HTMLElement).style.cssText = value;
    else element.setAttribute(name, value);
  }
}

/** The node that `html`, a constant of the compiled page, stands for. */
export function buildTemplate(html: string, document: Document = globalThis.document): Node {
  const root = document.createDocumentFragment();
  const open: (Element | DocumentFragment)[] = [root];
  const top = () => open[open.length - 1]!;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < html.length) {
    const at = TOKEN.lastIndex;
    const token = TOKEN.exec(html);
    if (!token) throw new Error(`template: cannot read ${JSON.stringify(html.slice(at, at + 40))}`);
    const [whole, comment, mark, closing, name, attributes, text] = token;
    if (text !== undefined) top().appendChild(document.createTextNode(decode(text)));
    else if (comment !== undefined || mark !== undefined) top().appendChild(document.createComment(comment ?? mark ?? ""));
    else if (closing !== undefined) {
      const wanted = closing.toLowerCase();
      while (open.length > 1 && (open.pop() as Element).tagName.toLowerCase() !== wanted);
    } else if (name !== undefined) {
      const parent = top();
      const inSvg = name === "svg" || (parent instanceof Element && parent.namespaceURI === SVG && parent.tagName !== "foreignObject");
      const element = inSvg ? document.createElementNS(SVG, name) : document.createElement(name);
      setAttributes(element, (attributes ?? "").replace(/\/$/, ""));
      parent.appendChild(element);
      if (!whole.endsWith("/>") && !(VOID.has(name) && !inSvg)) open.push(element);
    }
  }
  const node = root.firstChild;
  if (!node) throw new Error("template: empty");
  return node;
}
