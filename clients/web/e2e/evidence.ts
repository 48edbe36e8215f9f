// What a failed test leaves behind in test-results/: what everybody saw, and the nodes' logs.
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterEach } from "vitest";
import type { Node } from "./node.ts";
import type { Person } from "./person.ts";

const folder = resolve(import.meta.dirname, "../../../test-results");

/** Those of whom evidence is taken: the nodes and people of the test file. */
export const nodes = new Set<Node>();
export const people = new Set<Person>();

afterEach(async ({ task }) => {
  if (task.result?.state !== "fail") return;
  const name = (task.file.name + " " + task.name).replace(/[^\p{L}\p{N}]+/gu, "-");
  await mkdir(folder, { recursive: true });
  for (const { name: who, page, complaints } of people) {
    const base = join(folder, `${name}-${who}`);
    await page.screenshot({ path: `${base}.png`, timeout: 5_000 }).catch(() => {});
    if (complaints.length > 0) await writeFile(`${base}.txt`, complaints.join("\n"));
  }
  let i = 0;
  for (const { log } of nodes) await writeFile(join(folder, `${name}-node${i++ || ""}.log`), log);
});
