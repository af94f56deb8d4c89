import { readdirSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { defineConfig } from "vite";

const STATIC = fileURLToPath(new URL("../static/", import.meta.url));

/** What each bundle is built from, and what is said at its beginning. */
const BUNDLES = {
  live: { input: "src/live.ts", contains: "plotly.js (MIT) and what it is built from" },
  canvas: { input: "src/canvas.tsx", contains: "React, React Flow and dagre (MIT), what they are built from, and highlight.js (BSD-3-Clause)" },
};

/** One bundle of a name at a time: Python finds it by its pattern. The .gz is made once here, not at every request. */
function oneCompressedBundle(name) {
  const ours = () => readdirSync(STATIC).filter((file) => file.startsWith(`${name}-`));
  return {
    name: "one-compressed-bundle",
    buildStart() {
      for (const file of ours()) unlinkSync(STATIC + file);
    },
    closeBundle() {
      for (const file of ours()) writeFileSync(`${STATIC}${file}.gz`, gzipSync(readFileSync(STATIC + file), { level: 9 }));
    },
  };
}

/** Each bundle is a build of its own, so that each is one file: `vite build --mode live`, `vite build --mode canvas`. */
export default defineConfig(({ mode: name }) => {
  const { input, contains } = BUNDLES[name];
  return {
    plugins: [oneCompressedBundle(name)],
    define: { "process.env.NODE_ENV": JSON.stringify("production") },
    build: {
      chunkSizeWarningLimit: 2000, // kB: Plotly
      target: "es2022",
      outDir: STATIC,
      emptyOutDir: false, // other bundles live there too
      modulePreload: false,
      rolldownOptions: {
        input,
        preserveEntrySignatures: "exports-only", // else the default export is lost
        output: {
          format: "es",
          entryFileNames: `${name}-[hash].js`,
          postBanner: `/*! Layerlab. Contains ${contains}: see LICENSES.txt. */`,
        },
      },
    },
  };
});
