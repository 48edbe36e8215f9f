import { afterAll, expect, it, vi } from "vitest";
import { useLanguage } from "../i18n";
import { errorText } from "./refusal";

vi.stubGlobal("document", { documentElement: {} });
afterAll(() => useLanguage("en"));

it("tells in another language too what is wrong, where the code leaves it open", async () => {
  const refused = { code: "bad_request", message: "The name has 101 characters; 100 are possible." };
  expect(errorText(refused)).toBe(refused.message);
  await useLanguage("zh");
  expect(errorText(refused)).toMatch(/^请求有误.*The name has 101 characters/);
  expect(errorText({ code: "busy", message: "The queue is full." })).not.toContain("queue");
});
