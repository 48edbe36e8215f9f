import { defineConfig } from "vitest/config";

// The browser tests: the real binary, real Chromium. `make e2e` runs them all,
// `make e2e ARGS='talk'` those whose file's name has "talk" in it.
export default defineConfig({
  test: {
    environment: "node",
    root: import.meta.dirname,
    include: process.env["SCREENSHOTS"] ? ["screenshots*.ts"] : ["*.test.ts"],
    maxWorkers: 2, // two cores: much of it is waiting
    testTimeout: 300_000, // of a test that hangs: what it waits for has less (until.ts)
    hookTimeout: 300_000,
    reporters: ["verbose"],
    sequence: { hooks: "list" }, // evidence is taken before people leave
  },
});
