// Fails the build when the JavaScript of the first paint (the entry and all it
// imports statically) is over budget. What is imported with import() is not counted.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const BUDGET = 150 * 1024; // bytes, gzip
const dist = new URL("../dist/", import.meta.url);
const html = readFileSync(new URL("index.html", dist), "utf8");

if (/<script(?![^>]*\bsrc=)[^>]*>/.test(html)) {
  throw new Error("index.html holds an inline script; the Content-Security-Policy forbids it");
}

const scripts = [...html.matchAll(/(?:src|href)="\/([^"]+\.js)"/g)].map((m) => m[1]);
let total = 0;
for (const script of scripts) {
  const size = gzipSync(readFileSync(new URL(script, dist)), { level: 9 }).length;
  total += size;
  console.log(`${script} ${(size / 1024).toFixed(1)} KB gzip`);
}
console.log(`first paint: ${(total / 1024).toFixed(1)} of ${BUDGET / 1024} KB`);
if (scripts.length === 0 || total > BUDGET) process.exit(1);
