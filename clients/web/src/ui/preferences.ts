import { createSignal } from "solid-js";
import { useLanguage, type LanguageChoice } from "../i18n";

export type Theme = "system" | "light" | "dark";

function stored<T extends string>(key: string, allowed: readonly T[], fallback: T): T {
  try {
    const value = localStorage.getItem(key);
    return allowed.find((a) => a === value) ?? fallback;
  } catch {
    return fallback; // storage is blocked: the choice lasts as long as the page
  }
}

function store(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // as above
  }
}

const [theme, setThemeSignal] = createSignal<Theme>(stored("hearth.theme", ["system", "light", "dark"], "system"));
const [languageChoice, setLanguageSignal] = createSignal<LanguageChoice>(stored("hearth.language", ["auto", "en", "zh"], "auto"));
const [notifications, setNotificationsSignal] = createSignal(stored("hearth.notify", ["on", "off"], "off") === "on");
export { theme, languageChoice, notifications };

function applyTheme(choice: Theme): void {
  if (choice === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = choice;
}

export function setTheme(choice: Theme): void {
  store("hearth.theme", choice);
  setThemeSignal(choice);
  applyTheme(choice);
}

export async function setLanguage(choice: LanguageChoice): Promise<void> {
  store("hearth.language", choice);
  setLanguageSignal(choice);
  await useLanguage(choice);
}

export function setNotifications(on: boolean): void {
  store("hearth.notify", on ? "on" : "off");
  setNotificationsSignal(on);
}

/** Puts the stored choices to use, before the first paint. */
export async function applyPreferences(): Promise<void> {
  applyTheme(theme());
  await useLanguage(languageChoice());
}

/** The emoji used last, newest first. */
export function recentEmoji(): string[] {
  try {
    const list: unknown = JSON.parse(localStorage.getItem("hearth.emoji") ?? "[]");
    return Array.isArray(list) ? list.filter((e): e is string => typeof e === "string").slice(0, 24) : [];
  } catch {
    return [];
  }
}

export function rememberEmoji(emoji: string): void {
  store("hearth.emoji", JSON.stringify([emoji, ...recentEmoji().filter((e) => e !== emoji)].slice(0, 24)));
}
