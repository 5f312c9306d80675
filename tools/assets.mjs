// Builds build/assets/ from static/src/ and the npm packages: portal.css (Bootstrap's used parts,
// turned right to left, compressed), the Vazirmatn font's Arabic subset, and what else is there as it is.
// Usage: node tools/assets.mjs

import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import rtlcss from "rtlcss";
import * as sass from "sass";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(root, "static/src");
const target = join(root, "build/assets");
const font = "vazirmatn-arabic-wght-normal.woff2";

rmSync(target, { recursive: true, force: true });
mkdirSync(join(target, "fonts"), { recursive: true });

// Bootstrap 5.3 still uses @import and Sass's old colour functions; its warnings are not ours to mend.
const { css } = sass.compile(join(source, "portal.scss"), {
  style: "compressed",
  loadPaths: [join(root, "node_modules")],
  quietDeps: true,
  silenceDeprecations: ["import", "global-builtin", "color-functions", "if-function"],
});
writeFileSync(join(target, "portal.css"), rtlcss.process(css, { autoRename: false }));

cpSync(join(root, "node_modules/@fontsource-variable/vazirmatn/files", font), join(target, "fonts", font));

for (const name of readdirSync(source)) {
  if (!name.endsWith(".scss")) cpSync(join(source, name), join(target, name), { recursive: true });
}
