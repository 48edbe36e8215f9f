import { createSignal } from "solid-js";
import { en, type Dictionary } from "./en";

export type Language = "en" | "zh";
/** What the person chose; "auto" follows the browser. */
export type LanguageChoice = Language | "auto";
export type { Dictionary };

const [dictionary, setDictionary] = createSignal<Dictionary>(en);
const [language, setLanguage] = createSignal<Language>("en");

/** The texts of the language in use; reading it in a view makes the view follow the language. */
export const t = dictionary;
export { language };

/** The BCP 47 tag for Intl: the browser's own variety of the language when it has one. */
export function locale(): string {
  const browser = typeof navigator === "undefined" ? undefined : navigator.languages.find((l) => l.startsWith(language()));
  return language() === "zh" ? "zh-CN" : (browser ?? "en-GB");
}

export function browserLanguage(languages: readonly string[]): Language {
  for (const tag of languages) {
    if (tag.startsWith("zh")) return "zh";
    if (tag.startsWith("en")) return "en";
  }
  return "en";
}

/** Loads the dictionary if need be and puts it to use. */
export async function useLanguage(choice: LanguageChoice): Promise<void> {
  const wanted = choice === "auto" ? browserLanguage(navigator.languages) : choice;
  const texts = wanted === "zh" ? (await import("./zh")).zh : en;
  setLanguage(wanted);
  setDictionary(() => texts);
  document.documentElement.lang = wanted === "zh" ? "zh-CN" : "en";
}
