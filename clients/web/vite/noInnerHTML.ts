import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";

const builder = fileURLToPath(new URL("../src/ui/dom/template.ts", import.meta.url));
const ASSIGNMENT = /const t = [^;]*createElement\("template"\);\s*t\.innerHTML = html;\s*return [^;]*;/;

/**
 * Solid clones its compiled templates out of `template.innerHTML`, which Trusted Types
 * forbid. This replaces that one assignment, in solid-js/web itself so that libraries
 * are covered too, by a builder that uses createElement. The build fails when Solid
 * changes shape, rather than shipping a page that its own CSP would break.
 */
export function noInnerHTML(): Plugin {
  return {
    name: "hearth:no-inner-html",
    enforce: "pre",
    transform(code, id) {
      const file = id.split("?")[0] ?? "";
      if (!/solid-js\/web\/dist\/(web|dev)\.js$/.test(file)) return null;
      if (!ASSIGNMENT.test(code)) this.error("solid-js/web: template() has changed; adapt vite/noInnerHTML.ts");
      const out = code.replace(ASSIGNMENT, "const root = hearthBuildTemplate(html); return isSVG || isMathML ? root.firstChild : root;");
      return { code: `import { buildTemplate as hearthBuildTemplate } from ${JSON.stringify(builder)};\n${out}`, map: null };
    },
  };
}

/** Packages that choose an innerHTML variant for browsers, and the plain one to take instead. */
export const plainVariants = {
  "decode-named-character-reference": fileURLToPath(new URL("../node_modules/decode-named-character-reference/index.js", import.meta.url)),
};
