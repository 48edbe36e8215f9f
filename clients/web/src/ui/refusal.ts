import { language, t } from "../i18n";

/** Codes that leave open what is wrong: only the node's sentence tells. */
const OPEN = new Set(["bad_request", "forbidden", "conflict", "too_large", "unavailable"]);

/** One sentence for people. The node's own is the most exact one; other languages go by code, and let it follow where the code says too little. */
export function errorText(error: unknown): string {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  if (typeof code !== "string") return t().errors.generic;
  if (code === "unreachable") return t().errors.unreachable;
  const own = typeof message === "string" ? message : "";
  const translated = language() === "en" ? undefined : t().errors.codes[code];
  if (translated && own && OPEN.has(code)) return t().errors.exact(translated, own);
  return translated || own || t().errors.generic;
}
