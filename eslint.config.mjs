// Holds the pages' script to the floor of browsers (`browserslist` in package.json; docs/decisions/0034).
// Syntax: ECMAScript 2019. Interfaces: eslint-plugin-compat. Members of objects (`element.replaceChildren`): the rule
// below, since compat does not look at them.
import data from "@mdn/browser-compat-data" with { type: "json" };
import compat from "eslint-plugin-compat";

const FLOOR = { chrome: "80", samsunginternet_android: "12", safari_ios: "13", firefox: "78" };

// Whether a release of the floor has it, by MDN's tables; without a word there, it counts as being there.
function isOnFloor(support) {
  return Object.entries(FLOOR).every(([browser, floor]) => {
    const [first] = [support[browser]].flat();
    if (!first || first.flags || first.partial_implementation) return !first || !first.flags;
    const { version_added: added } = first;
    return added === "preview" || added === false || added === null
      ? false
      : Number.parseFloat(String(added).replace("≤", "")) <= Number.parseFloat(floor);
  });
}

// The names of members that no object of the floor has: one object that has it makes a name pass.
function tooNew() {
  const known = new Map();
  for (const objects of [data.api, data.javascript.builtins]) {
    for (const members of Object.values(objects)) {
      for (const [name, member] of Object.entries(members)) {
        const { support } = member.__compat || {};
        if (name !== "__compat" && support) known.set(name, known.get(name) || isOnFloor(support));
      }
    }
  }
  return new Set([...known].filter(([, there]) => !there).map(([name]) => name.replace(/_(static|event)$/, "")));
}

const members = {
  create(context) {
    const forbidden = tooNew();
    return {
      MemberExpression({ computed, property }) {
        if (!computed && forbidden.has(property.name)) {
          context.report({ node: property, message: `"${property.name}" is not in every browser of the floor.` });
        }
      },
    };
  },
};

const names = "AbortController FormData Promise URLSearchParams WeakMap Worker addEventListener btoa clearInterval clearTimeout crypto document fetch history location localStorage navigator performance postMessage requestAnimationFrame setInterval setTimeout window";

export default [
  {
    files: ["static/src/**/*.js"],
    plugins: { compat, floor: { rules: { members } } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    languageOptions: {
      ecmaVersion: 2019,
      sourceType: "script",
      globals: Object.fromEntries([...names.split(" "), ...["Array", "Date", "DataView", "JSON", "Math", "Number", "Object", "Set", "Map", "String", "Uint8Array", "encodeURIComponent", "parseInt", "Infinity"]].map((name) => [name, "readonly"])),
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
];
