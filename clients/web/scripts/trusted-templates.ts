// The page runs under `require-trusted-types-for 'script'; trusted-types hearth`.
// Two libraries build their elements from templates that are constants of the
// built code; this plugin sends just those through the policy "hearth", which no
// other code can reach. Message text never comes this way.
//
// The emoji picker also brings a <style> element; it becomes a constructed
// stylesheet, so that `style-src 'self'` holds.
//
// A library whose code has changed fails the build instead of going unpatched.
import type { Plugin } from "vite";

const policyModule = "virtual:trusted-html";

// A module is evaluated once, so the policy is made once: browsers refuse a second of the same name.
const policySource = `
const policy = globalThis.trustedTypes?.createPolicy("hearth", { createHTML: (html) => html });
export const trustedHTML = (html) => (policy ? policy.createHTML(html) : html);
`;

const patches: readonly { module: RegExp; replace: readonly (readonly [string, string])[] }[] = [
  {
    module: /\/solid-js\/web\/dist\/web\.js$/,
    replace: [["t.innerHTML = html;", "t.innerHTML = trustedHTML(html);"]],
  },
  {
    module: /\/emoji-picker-element\/picker\.js$/,
    replace: [
      ["template.innerHTML = htmlString;", "template.innerHTML = trustedHTML(htmlString);"],
      ["parentNode.innerHTML = '';", "parentNode.textContent = '';"],
      ["const style = document.createElement('style');", "const style = new CSSStyleSheet();"],
      ["style.textContent = baseStyles + EXTRA_STYLES;", "style.replaceSync(baseStyles + EXTRA_STYLES);"],
      ["this.shadowRoot.appendChild(style);", "this.shadowRoot.adoptedStyleSheets = [style];"],
    ],
  },
];

export function trustedTemplates(): Plugin {
  return {
    name: "hearth-trusted-templates",
    apply: "build",
    resolveId: (id) => (id === policyModule ? `\0${policyModule}` : undefined),
    load: (id) => (id === `\0${policyModule}` ? policySource : undefined),
    transform(code, id) {
      const patch = patches.find((p) => p.module.test(id));
      if (!patch) return undefined;
      for (const [from, to] of patch.replace) {
        if (!code.includes(from)) this.error(`${id} no longer holds: ${from}`);
        code = code.replaceAll(from, to);
      }
      return { code: `import { trustedHTML } from "${policyModule}";\n${code}`, map: null };
    },
  };
}
