// Holds the pages' script to the floor of browsers (`browserslist` in package.json; docs/decisions/0034).
// Syntax: ECMAScript 2019. Interfaces: eslint-plugin-compat. Members of objects (`element.replaceChildren`): the rule
// below, since that plugin does not look at them. What is used where it is there, with a way where it is not, says so
// in a comment that lifts the rule for its line.
import { createRequire } from "node:module";
import compat from "eslint-plugin-compat";

const data = createRequire(import.meta.url)("@mdn/browser-compat-data");
const FLOOR = { chrome: 80, samsunginternet_android: 12, safari_ios: 13, firefox: 78 };

// Whether each browser of the floor has it, by MDN's tables; a browser that they do not know counts as having it.
function isOnFloor(support) {
  return Object.entries(FLOOR).every(([browser, floor]) => {
    const newest = [support[browser] || { version_added: "1" }].flat()[0];
    const added = Number.parseFloat(String(newest.version_added).replace("≤", "")); // NaN: never, or not yet
    return added <= floor && !newest.flags;
  });
}

// The names of members that no object has on the floor; one object that has it lets a name pass.
function tooNew() {
  const known = new Map();
  for (const object of [data.api, data.javascript.builtins].flatMap(Object.values)) {
    for (const [entry, { __compat: about }] of Object.entries(object)) {
      const name = entry.replace(/_(static|event)$/, "");
      if (about && about.support) known.set(name, known.get(name) || isOnFloor(about.support));
    }
  }
  return new Set([...known.keys()].filter((name) => !known.get(name)));
}

const members = {
  create(context) {
    const forbidden = tooNew();
    return {
      MemberExpression({ computed, object, property }) {
        const own = object.type === "MemberExpression" && object.property.name === "dataset";
        if (!computed && !own && forbidden.has(property.name)) {
          context.report({ node: property, message: `"${property.name}" is not in every browser of the floor.` });
        }
      },
    };
  },
};

// What the script may call by name. A name is added here by whoever has looked whether the floor has it.
const NAMES = `AbortController FormData Promise URLSearchParams WeakMap Worker addEventListener btoa clearInterval
  clearTimeout crypto document fetch history location localStorage navigator performance postMessage setInterval
  setTimeout window`.split(/\s+/);

export default [
  {
    files: ["static/src/**/*.js"],
    plugins: { compat, floor: { rules: { members } } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    languageOptions: {
      ecmaVersion: 2019,
      sourceType: "script",
      globals: Object.fromEntries(NAMES.map((name) => [name, "readonly"])),
    },
    rules: {
      "compat/compat": "error",
      "floor/members": "error",
      "no-undef": "error",
      "no-unused-vars": "error",
      eqeqeq: "error",
      "prefer-const": "error",
    },
  },
  { files: ["static/src/ticks.js"], languageOptions: { globals: { inputRules: "readonly" } } },
];
