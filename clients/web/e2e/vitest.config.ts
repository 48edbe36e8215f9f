import { defineConfig } from "vitest/config";

// The browser tests: the real binary, real Chromium. `make e2e` runs them all,
// `make e2e ARGS='talk'` those whose file's name has "talk" in it.
export default defineConfig({
  test: {
    environment: "node",
    root: import.meta.dirname,
    include: process.env["SCREENSHOTS"] ? ["screenshots.ts"] : ["*.test.ts"],
    fileParallelism: false, // two cores, and timings mean something
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ["verbose"],
  },
});
