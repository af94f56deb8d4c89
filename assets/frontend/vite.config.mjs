import { readdirSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { defineConfig } from "vite";

const STATIC = fileURLToPath(new URL("../static/", import.meta.url));

/** One bundle at a time: Python finds it by its pattern. The .gz is made once here, not at every request. */
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

export default defineConfig({
  plugins: [oneCompressedBundle("live")],
  build: {
    chunkSizeWarningLimit: 2000, // kB: Plotly
    target: "es2022",
    outDir: STATIC,
    emptyOutDir: false, // other bundles live there too
    modulePreload: false,
    rolldownOptions: {
      input: "src/live.ts",
      preserveEntrySignatures: "exports-only", // else the default export is lost
      output: {
        format: "es",
        entryFileNames: "live-[hash].js",
        postBanner: "/*! Layerlab. Contains plotly.js (MIT) and what it is built from: see LICENSES.txt. */",
      },
    },
  },
});
