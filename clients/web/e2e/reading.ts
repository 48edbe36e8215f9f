// What stands in a timeline, read from its beginning to its end.
import type { Locator } from "playwright-core";

/**
 * The texts of the open timeline's messages, oldest first, each as often as it stands
 * there: scrolls through the log as a reader does, because only what is near the view is
 * in the document. The log must be at rest.
 */
export function readAll(messages: Locator): Promise<string[]> {
  return messages.evaluate(async (log) => {
    const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    const settled = async () => {
      for (let calm = 0; calm < 3; ) {
        await frame();
        calm = log.getAttribute("aria-busy") === "true" ? 0 : calm + 1;
      }
    };
    for (let top = -1; log.scrollTop > 0 || top !== log.scrollHeight; ) {
      top = log.scrollHeight; // older pages may still come
      log.scrollTop = 0;
      await settled();
    }
    const texts = new Map<string, string>();
    for (let last = -1; log.scrollTop !== last; ) {
      last = log.scrollTop;
      for (const row of log.querySelectorAll<HTMLElement>("[role=article], article")) {
        const key = row.closest<HTMLElement>("[data-key]")?.dataset["key"] ?? "";
        const body = row.querySelector<HTMLElement>(".message-body");
        if (body) texts.set(key, body.innerText.trim());
      }
      log.scrollTop += log.clientHeight * 0.7;
      await settled();
    }
    return [...texts.values()];
  });
}
