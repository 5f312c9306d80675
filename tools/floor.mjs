// The style sheets for the oldest browsers that the portal serves (`browserslist` in package.json): a PostCSS plugin.
// Sources are written with logical properties, so that a page is right in both directions. Of these the floor knows
// `inline-size`, `margin-inline-start` and their kin, but no short forms, no `inset`, no logical sides of positions.

const SHORT = /^(margin|padding)-(block|inline)$/;
const BLOCK = { "block-start": "top", "block-end": "bottom" };
// What Bootstrap writes for left to right.
const SIDES = { "padding-left": "padding-inline-start", "padding-right": "padding-inline-end", "margin-left": "margin-inline-start", "margin-right": "margin-inline-end" };
// Parts of Bootstrap's files that no page uses.
const UNUSED = /form-control-(sm|lg|color|plaintext)|form-select-(sm|lg)|btn-(sm|lg|check)|file-selector|datetime|date-and-time|\[type=(file|search)\]|\[list\]|::-webkit-(inner|search|color)|kbd|samp|abbr|progress|iframe|\bpre\b|h[456]|\.btn\.(active|show)|form-select\[|visually-hidden-focusable|::-moz-focus-inner/;

const words = (value) => value.match(/(?:[^\s(]|\((?:[^()]|\([^()]*\))*\))+/g);

function replaced(decl, entries) {
  entries.forEach(([prop, value]) => decl.cloneBefore({ prop, value }));
  decl.remove();
}

function lowered(decl) {
  const { prop, value } = decl;
  const short = SHORT.exec(prop);
  if (short) {
    const [start, end = start] = words(value);
    const sides = short[2] === "block" ? ["top", "bottom"] : ["inline-start", "inline-end"];
    replaced(decl, [[`${short[1]}-${sides[0]}`, start], [`${short[1]}-${sides[1]}`, end]]);
  } else if (/^(margin|padding|border)-block-/.test(prop)) {
    decl.prop = prop.replace(/block-(start|end)/, (side) => BLOCK[side]);
  } else if (/^inset-block-/.test(prop)) {
    decl.prop = BLOCK[prop.slice("inset-".length)];
  } else if (prop === "inset") {
    replaced(decl, ["top", "right", "bottom", "left"].map((side) => [side, value]));
  } else if (SIDES[prop]) {
    decl.prop = SIDES[prop];
  } else if (prop === "appearance") {
    ["-webkit-appearance", "-moz-appearance"].forEach((old) => decl.cloneBefore({ prop: old }));
  } else if (prop === "user-select") {
    decl.cloneBefore({ prop: "-webkit-user-select" });
  } else if (prop === "text-align" && /^(left|right)$/.test(value)) {
    decl.value = value === "left" ? "start" : "end";
  }
}

// `inset-inline-start` has no older form that knows the direction: the page says it, in `<html dir>`.
function directed(rule) {
  const found = rule.nodes.filter((node) => node.type === "decl" && /^inset-inline-(start|end)$/.test(node.prop));
  if (!found.length) return;
  for (const [direction, sides] of [["ltr", { start: "left", end: "right" }], ["rtl", { start: "right", end: "left" }]]) {
    const turned = rule.clone({ selectors: rule.selectors.map((selector) => `[dir=${direction}] ${selector}`) });
    turned.removeAll();
    found.forEach(({ prop, value }) => turned.append({ prop: sides[prop.split("-")[2]], value }));
    rule.after(turned);
  }
  found.forEach((decl) => decl.remove());
}

export const floor = {
  postcssPlugin: "floor",
  Once(root) {
    root.walkComments((comment) => comment.remove());
    root.walkRules((rule) => {
      const used = rule.selectors.filter((selector) => !UNUSED.test(selector));
      if (!used.length) rule.remove();
      else if (used.length < rule.selectors.length) rule.selectors = used;
    });
    root.walkRules(directed);
    root.walkDecls(lowered);
    root.walkAtRules((rule) => {
      if (rule.nodes && !rule.nodes.length) rule.remove();
    });
  },
};
