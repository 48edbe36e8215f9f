import { expect, test } from "vitest";
import { plain } from "./plain";

test("a line shows words, not marks", () => {
  expect(plain("hello **room**, _you_ too")).toBe("hello room, you too");
  expect(plain("***both*** and ~~gone~~ and `code`")).toBe("both and gone and code");
  expect(plain("> quoted\n# Title\n- one")).toBe("quoted\nTitle\none");
  expect(plain("```go\nfunc main() {}\n```")).toBe("func main() {}\n");
  expect(plain("see [the plan](https://example.org/plan)")).toBe("see the plan");
});

test("what only looks like a mark stays", () => {
  for (const text of ["2 * 3 * 4", "snake_case_name", "a ** b", "#garden", "-1 and *", "**cut of", "https://example.org/a_b_c"]) expect(plain(text)).toBe(text);
});

test("long rubbish costs little", () => {
  for (const unit of ["*a ", "_a ", "[", "`", "**"]) expect(plain(unit.repeat(2_000)).length).toBeGreaterThan(0);
});
