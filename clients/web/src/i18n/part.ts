import { language } from "./index";

/**
 * Texts of views that are fetched when they are needed: they are no part of what everybody
 * waits for first. Both languages come with the view, so that nothing is ever shown half.
 */
export function part<T>(en: T, zh: NoInfer<T>): () => T {
  return () => (language() === "zh" ? zh : en);
}
