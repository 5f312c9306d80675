// Whether the oldest browsers that the portal serves (`browserslist` in package.json) know what its style sheets use.
// Every property, keyword, selector and @-rule of build/assets/*.css is looked up in MDN's compatibility data; what is
// newer than the floor must be in EXCUSED, with what those browsers do without it.
// Usage: node tools/check-style.mjs [FILE.css …]

import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import postcss from "postcss";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const read = (...path) => JSON.parse(readFileSync(join(root, ...path), "utf8"));
const { css: known } = read("node_modules/@mdn/browser-compat-data/data.json");
const NAMES = { chrome: "chrome", samsung: "samsunginternet_android", ios_saf: "safari_ios", firefox: "firefox" };

const ALIASES = { "word-wrap": "overflow-wrap", "grid-gap": "gap", "grid-column-gap": "column-gap", "grid-row-gap": "row-gap" };
const EXCUSED = {
  "accent-color": "the browser's own colour of ticks",
  "break-inside": "cards may break on paper",
  cursor: "a phone has none",
  "color-scheme": "light scroll bars and ticks in the dark",
  "forced-color-adjust": "these browsers force no colours",
  "list-style-type: persian": "digits of the browser's own",
  resize: "the box keeps its size",
  "scroll-margin-top": "the script brings the label into sight",
  "scroll-padding-top": "the script brings the label into sight",
  "text-decoration-skip-ink": "a line through the descenders",
  "text-underline-offset": "the line is nearer to the words",
  "::backdrop": "no dialog there: the question stands in the page",
  ":focus-visible": "the ring is shown after a press too",
  "@media forced-colors": "these browsers force no colours",
  "@media prefers-color-scheme": "light",
  "@media prefers-reduced-motion": "nothing moves anyway",
  "@page": "the browser's own margins on paper",
};

const floor = read("package.json").browserslist.map((line) => {
  const [, name, version] = /^(\w+)\s*(?:>=\s*)?([\d.]+)$/.exec(line);
  return { name: NAMES[name], version: Number(version) };
});

// The browsers of the floor that do not know a feature; `prefixed`: a spelling with a prefix stands beside it.
function strangers(feature, prefixed = false) {
  const support = feature?.__compat?.support;
  if (!support) return [];
  return floor.filter(({ name, version }) => {
    const entries = [support[name] ?? []].flat();
    return !entries.some(
      (each) =>
        !each.flags &&
        (!each.prefix || prefixed) &&
        !each.alternative_name &&
        each.version_added &&
        (each.version_added === "preview" ? Infinity : parseFloat(String(each.version_added).replace("≤", ""))) <= version,
    );
  });
}

const found = [];
function look(node, what, feature, prefixed) {
  const without = strangers(feature, prefixed);
  if (without.length && !EXCUSED[what]) {
    found.push(`${what} (${(node.selector ?? node.parent?.selector ?? "").slice(0, 60)}): not in ${without.map(({ name, version }) => `${name} ${version}`).join(", ")}`);
  }
}

function lookAtDeclaration(decl) {
  const { prop, value, parent } = decl;
  if (prop.startsWith("-")) return;
  const beside = parent.nodes.some((other) => other.prop?.startsWith("-") && other.prop.endsWith(`-${prop}`));
  const feature = known.properties[ALIASES[prop] ?? prop];
  if (!feature) found.push(`${prop} (${parent.selector}): no such property`);
  look(decl, prop, feature, beside);
  if (EXCUSED[prop]) return;
  for (const word of value.match(/[a-z][a-z-]*/g) ?? []) {
    look(decl, `${prop}: ${word}`, feature?.[word.replace(/-/g, "_")] ?? feature?.[word]);
    if (value.includes(`${word}(`)) look(decl, `${word}()`, known.types[word] ?? known.types.color[word]);
  }
  // `gap` of a grid is older than `gap` of a flex box, and these browsers read over the latter.
  if (/^(grid-)?(row-|column-)?gap$/.test(prop) && !parent.nodes.some((other) => other.prop === "display" && other.value.includes("grid"))) {
    look(decl, `${prop} of a flex box`, known.properties.gap.flex_context);
  }
}

const files = process.argv.slice(2);
const built = join(root, "build/assets");
for (const file of files.length ? files : readdirSync(built).filter((name) => name.endsWith(".css")).map((name) => join(built, name))) {
  const sheet = postcss.parse(readFileSync(file, "utf8"), { from: file });
  sheet.walkDecls((decl) => {
    if (decl.parent.name !== "font-face") lookAtDeclaration(decl);
  });
  sheet.walkRules((rule) => {
    for (const [whole, , name] of rule.selector.matchAll(/(::?)([a-z][a-z-]*)/g)) look(rule, whole, known.selectors[name]);
  });
  sheet.walkAtRules((rule) => {
    look(rule, `@${rule.name}`, known["at-rules"][rule.name]);
    for (const [, name] of rule.params.matchAll(/\(\s*([a-z-]+)/g)) {
      look(rule, `@${rule.name} ${name}`, known["at-rules"][rule.name]?.[name]);
    }
  });
}
if (found.length) {
  console.error([...new Set(found)].join("\n"));
  process.exit(1);
}
