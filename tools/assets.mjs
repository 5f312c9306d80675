// Builds build/assets/ from static/src/ and the npm packages: the style sheets (compressed, for the oldest browsers
// that the portal serves, see floor.mjs), the scripts without comments and blanks, the Vazirmatn font's Arabic subset,
// and what else is there as it is.
// Usage: node tools/assets.mjs

import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import postcss from "postcss";
import * as sass from "sass";
import { minify } from "terser";
import { floor } from "./floor.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(root, "static/src");
const target = join(root, "build/assets");
const font = "vazirmatn-arabic-wght-normal.woff2";

rmSync(target, { recursive: true, force: true });
mkdirSync(join(target, "fonts"), { recursive: true });

cpSync(join(root, "node_modules/@fontsource-variable/vazirmatn/files", font), join(target, "fonts", font));

// Scripts of which several files are sent as one.
const parts = { "ticks.js": ["input-rules.js", "ticks.js"], "input-rules.js": [] };

for (const name of readdirSync(source)) {
  if (name.startsWith("_")) continue;
  if (name.endsWith(".js")) {
    const files = (parts[name] || [name]).map((part) => [part, readFileSync(join(source, part), "utf8")]);
    if (!files.length) continue;
    const { code } = await minify(Object.fromEntries(files), { ecma: 2017, format: { ascii_only: true } });
    writeFileSync(join(target, name), code);
    continue;
  }
  if (!name.endsWith(".scss")) {
    cpSync(join(source, name), join(target, name), { recursive: true });
    continue;
  }
  // Bootstrap 5.3 still uses @import and Sass's old colour functions; its warnings are not ours to mend.
  const { css } = sass.compile(join(source, name), {
    style: "compressed",
    loadPaths: [join(root, "node_modules")],
    quietDeps: true,
    silenceDeprecations: ["import", "global-builtin", "color-functions", "if-function"],
  });
  const built = name.replace(/scss$/, "css");
  writeFileSync(join(target, built), postcss([floor]).process(css, { from: undefined }).css);
}
