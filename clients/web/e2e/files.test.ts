// Files of messages: a picture and a text go up, are seen, opened and saved by somebody else,
// and are gone when their message is.
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateSync, crc32 } from "node:zlib";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Node } from "./node.ts";
import { launch, Person } from "./person.ts";

let browser: Browser;
let node: Node;

beforeAll(async () => {
  [browser, node] = await Promise.all([launch(), Node.start()]);
});

afterAll(async () => {
  await browser?.close();
  await node?.stop();
});

/** A picture of one colour, w by h. */
function png(w: number, h: number): Buffer {
  const chunk = (name: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(name), data]);
    const head = Buffer.alloc(4);
    head.writeUInt32BE(data.length);
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc32(body) >>> 0);
    return Buffer.concat([head, body, sum]);
  };
  const size = Buffer.alloc(13);
  size.writeUInt32BE(w, 0);
  size.writeUInt32BE(h, 4);
  size.set([8, 2, 0, 0, 0], 8);
  const line = Buffer.concat([Buffer.from([0]), Buffer.alloc(3 * w, 0x7a)]);
  const pixels = deflateSync(Buffer.concat(Array.from({ length: h }, () => line)));
  return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), chunk("IHDR", size), chunk("IDAT", pixels), chunk("IEND", Buffer.alloc(0))]);
}

test("a picture and a text are attached, seen, saved, and go with their message", async () => {
  const folder = mkdtempSync(join(tmpdir(), "hearth-files-"));
  const picture = join(folder, "harvest.png");
  const text = join(folder, "plan & beans.txt");
  writeFileSync(picture, png(640, 320));
  writeFileSync(text, "water the beans\n");
  const alice = await Person.at(browser, node.url, "alice");
  await alice.register(node.adminLink);
  const profile = await node.login("alice");
  await node.hearth("room", "create", "garden", "--public", "--profile", profile);
  await alice.open("garden");
  const bob = await Person.at(browser, node.url, "bob");
  await bob.register(await node.invite());
  await node.hearth("room", "join", `#garden@${node.name}`, "--profile", await node.login("bob"));
  await bob.open("garden");

  const choosing = alice.page.waitForEvent("filechooser");
  await alice.page.getByRole("button", { name: "Attach files" }).click();
  await (await choosing).setFiles([picture, text]);
  await alice.page.getByRole("button", { name: "Remove plan & beans.txt" }).waitFor();
  await alice.page.getByRole("button", { name: "Send", exact: true }).click(); // enabled once both are up

  const shown = bob.page.getByRole("button", { name: "Open picture harvest.png" });

  await shown.locator("img").waitFor(); // in a button an image has no role of its own
  const box = (await shown.boundingBox())!;
  expect(Math.round(box.width / box.height)).toBe(2); // its place is kept before it loads
  await shown.click();
  await bob.page.getByRole("dialog", { name: "harvest.png" }).getByRole("img").waitFor();
  await bob.page.keyboard.press("Escape");
  const { width, height } = bob.page.viewportSize()!;
  await bob.page.setViewportSize({ width: 360, height });
  await expect.poll(async () => { const small = (await shown.boundingBox())!; return small.x + small.width; }).toBeLessThanOrEqual(360);
  await bob.page.setViewportSize({ width, height });

  const saving = bob.page.waitForEvent("download");
  await bob.page.getByRole("button", { name: /Save plan & beans.txt/ }).click();
  const saved = await saving;
  expect(saved.suggestedFilename()).toBe("plan & beans.txt");
  expect(readFileSync(await saved.path(), "utf8")).toBe("water the beans\n");

  await node.hearth("send", `#garden@${node.name}`, "--file", text, "--profile", profile);
  await expect.poll(() => bob.page.getByRole("button", { name: /Save plan & beans.txt/ }).count(), { timeout: 60_000 }).toBe(2);
  expect(alice.complaints.concat(bob.complaints)).toEqual([]);
});

test("what is too large or too many is said before it is sent", async () => {
  const alice = await Person.at(browser, node.url, "alice");
  await alice.signIn();
  await alice.open("garden");
  const many = Array.from({ length: 11 }, (_, i) => ({ name: `${i}.txt`, mimeType: "text/plain", buffer: Buffer.from(`${i}`) }));
  const choosing = alice.page.waitForEvent("filechooser");
  await alice.page.getByRole("button", { name: "Attach files" }).click();
  await (await choosing).setFiles(many);
  await alice.page.getByText("A message has at most 10 files.").waitFor();
  for (let i = 0; i < 10; i++) await alice.page.getByRole("button", { name: `Remove ${i}.txt` }).click();
  expect(await alice.page.getByRole("button", { name: "Send", exact: true }).isDisabled()).toBe(true);
  const empty = alice.page.waitForEvent("filechooser");
  await alice.page.getByRole("button", { name: "Attach files" }).click();
  await (await empty).setFiles([{ name: "empty.txt", mimeType: "text/plain", buffer: Buffer.alloc(0) }]);
  await alice.page.getByText("The file is empty.").waitFor();
});
