{
  // What looks.py asks of a page. The whole is one object, so that a page's policy has nothing to forbid.

  // Boxes that stand out of the window sideways.
  outside() {
    const wide = document.documentElement.clientWidth;
    const found = [];
    const whole = document.documentElement.scrollWidth;
    if (whole > wide) found.push(`the page is ${whole} px wide`);
    for (const node of document.querySelectorAll("body *")) {
      const box = node.getBoundingClientRect();
      if (!box.width || !box.height || getComputedStyle(node).clip !== "auto") continue;
      if (node.closest(".visually-hidden, .skip-link, option, .scrolls, .results")) continue;
      if (box.left < -1 || box.right > wide + 1) {
        found.push(`${node.tagName} ${node.getAttribute("class")} ${Math.round(box.left)} to ${Math.round(box.right)}`);
      }
    }
    return found.slice(0, 8);
  },

  // Targets that a thumb misses. A label counts with its tick box, and what a card's link covers with the link.
  small(smallest) {
    const found = [];
    const targets = "a[href], button, input:not([type=hidden]), select, textarea, summary, [role=button]";
    for (const node of document.querySelectorAll(targets)) {
      const style = getComputedStyle(node);
      let box = node.getBoundingClientRect();
      if (!box.width || style.visibility === "hidden" || node.tabIndex < 0) continue;
      if (node.closest(".visually-hidden, .skip-link:not(:focus)")) continue;
      if (box.width >= smallest - 0.5 && box.height >= smallest - 0.5) continue;
      if (node.tagName === "A" && style.display === "inline") {
        let block = node.parentElement;
        while (getComputedStyle(block).display.startsWith("inline")) block = block.parentElement;
        let words = block.textContent;
        block.querySelectorAll("a").forEach((link) => (words = words.replace(link.textContent, "")));
        if (words.replace(/[\s.,:;،؛]/g, "")) continue; // within a sentence
      }
      node.scrollIntoView({ block: "center" });
      box = node.getBoundingClientRect();
      const [x, y, half] = [box.left + box.width / 2, box.top + box.height / 2, smallest / 2 - 1];
      const hits = ([dx, dy]) => {
        const there = document.elementFromPoint(x + dx, y + dy);
        return there && (node.contains(there) || [...(node.labels || [])].some((label) => label.contains(there)));
      };
      const needed = [];
      if (box.width < smallest - 0.5) needed.push([-half, 0], [half, 0]);
      if (box.height < smallest - 0.5) needed.push([0, -half], [0, half]);
      if (!needed.every(hits)) {
        const name = (node.textContent || node.name).trim().slice(0, 40);
        found.push(`${node.tagName} «${name}» ${Math.round(box.width)}×${Math.round(box.height)}`);
      }
    }
    window.scrollTo(0, 0);
    return found;
  },

  // What has the focus, and how much the best band of its ring stands out from it and from what it stands on.
  ring() {
    const node = document.activeElement;
    if (!node || node === document.body) return null;
    const parse = (text) => {
      const found = /rgba?\(([^)]*)\)/.exec(text || "");
      return found && found[1].split(",").map(Number);
    };
    const seen = (colour) => colour && colour[3] !== 0;
    const light = (colour) => {
      const [r, g, b] = colour.slice(0, 3).map((part) => {
        const share = part / 255;
        return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
    };
    const contrast = (one, other) => {
      const [a, b] = [light(one), light(other)];
      return Math.max(a, b) / Math.min(a, b);
    };
    const ground = (from) => {
      for (let each = from; each; each = each.parentElement) {
        const colour = parse(getComputedStyle(each).backgroundColor);
        if (seen(colour)) return colour;
      }
      return [255, 255, 255];
    };
    const style = getComputedStyle(node);
    const bands = style.boxShadow.split(/,(?![^(]*\))/).map(parse).filter(seen);
    if (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2) bands.push(parse(style.outlineColor));
    const best = (beside) => Math.max(0, ...bands.map((band) => contrast(band, beside)));
    const path = [];
    for (let each = node; each !== document.body; each = each.parentElement) {
      path.unshift([...each.parentElement.children].indexOf(each));
    }
    const name = (node.textContent || node.name || "").trim().slice(0, 30);
    return {
      place: path.join("/"),
      what: `${node.tagName} ${node.className} ${name}`,
      inside: best(ground(node)),
      outside: best(ground(node.parentElement)),
    };
  },

  // The rings of all that can take the focus, one after the other.
  rings() {
    const found = [];
    for (const node of document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")) {
      node.focus({ preventScroll: true });
      if (document.activeElement === node && node.matches(":focus-visible")) found.push(this.ring());
    }
    return found;
  },

  // The share of the points of two pictures that differ; 1 for pictures of other sizes.
  async difference([one, other, noticed]) {
    const points = async (encoded) => {
      const image = new Image();
      image.src = `data:image/png;base64,${encoded}`;
      await image.decode();
      const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
      const context = canvas.getContext("2d");
      context.drawImage(image, 0, 0);
      return context.getImageData(0, 0, image.width, image.height);
    };
    const [a, b] = [await points(one), await points(other)];
    if (a.width !== b.width || Math.abs(a.height - b.height) > 2) return 1;
    const all = Math.min(a.data.length, b.data.length);
    let differ = 0;
    for (let at = 0; at < all; at += 4) {
      if ([0, 1, 2].some((part) => Math.abs(a.data[at + part] - b.data[at + part]) > noticed)) differ += 1;
    }
    return differ / (all / 4);
  },
}
