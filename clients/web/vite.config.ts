import solid from "vite-plugin-solid";
import { defineConfig } from "vitest/config";
import { noInnerHTML, plainVariants } from "./vite/noInnerHTML.ts";

export default defineConfig({
  base: "/",
  plugins: [solid(), noInnerHTML()],
  resolve: { alias: plainVariants },
  build: {
    outDir: "dist",
    target: "es2022",
    // Every asset is a file of its own: the Content-Security-Policy allows no data: scripts or styles.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
    rollupOptions: {
      output: {
        entryFileNames: "assets/[name]-[hash].js",
        chunkFileNames: "assets/[name]-[hash].js",
        assetFileNames: "assets/[name]-[hash][extname]",
      },
    },
  },
  server: {
    // `npx vite` beside a running node: the page from here, the rest from there.
    proxy: Object.fromEntries(
      ["/hearth.client.v1.Client", "/blob", "/ws"].map((path) => [
        path,
        { target: "https://127.0.0.1:8443", secure: false, ws: path === "/ws" },
      ]),
    ),
  },
  test: {
    environment: "node",
    include: ["src/**/*.test.ts"],
    // Through Vite, so that the plain variants above hold in tests as well.
    server: { deps: { inline: [/mdast-util-/, /micromark/, /decode-named-character-reference/] } },
  },
});
