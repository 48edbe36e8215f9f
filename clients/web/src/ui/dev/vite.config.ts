// Builds the page with made-up data, for screenshots: npx vite build -c src/ui/dev/vite.config.ts
import { fileURLToPath } from "node:url";
import { defineConfig, mergeConfig } from "vite";
import base from "../../../vite.config";

export default mergeConfig(base, defineConfig({ root: fileURLToPath(new URL(".", import.meta.url)), publicDir: fileURLToPath(new URL("../../../public", import.meta.url)), build: { outDir: "/tmp/hearth-dev", emptyOutDir: true } }));
