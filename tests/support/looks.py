"""What every page must look like, whatever its width, scheme and language: each function fails with what is wrong.

They take a page of playwright as it is shown now, and leave it as it was (but for where it is scrolled and what has
the focus).
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.support.browsers import AXE

SMALLEST_TARGET = 44  # CSS pixels, each way
LEAST_CONTRAST = 3  # of a focus ring, to what is beside it
MOST_TABS = 250


def check_axe(page: Page) -> None:
    """axe finds nothing at all: every rule, best practices and sizes of targets included, whatever its impact."""
    page.evaluate(AXE)  # over the debugger: the pages' policy forbids a foreign script
    options = "{resultTypes: ['violations'], rules: {'target-size': {enabled: true}}}"
    found = page.evaluate(f"axe.run(document, {options})")["violations"]
    told = [f"{each['id']}: {[(node['target'], node['any'][:1]) for node in each['nodes']][:4]}" for each in found]
    assert told == [], told


def check_overflow(page: Page) -> None:
    """Nothing stands out of the window sideways, and no box is cut off there."""
    found = page.evaluate(_OUTSIDE)
    assert found == [], found


def check_targets(page: Page, smallest: int = SMALLEST_TARGET) -> None:
    """What can be pressed is large enough to hit, labels of ticks and whole cards counted; links within a sentence are
    excused, as WCAG's rule has it."""
    found = page.evaluate(_SMALL, smallest)
    assert found == [], found


def check_focus_contrast(page: Page, least: float = LEAST_CONTRAST) -> int:
    """Tab through the page: whatever takes the focus has a ring, one band of which stands out from the element, and
    one from what the element stands on. The number of stops."""
    page.evaluate("window.scrollTo(0, 0); document.activeElement && document.activeElement.blur()")
    stops: list[dict[str, Any]] = []
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        stop = page.evaluate(_RING)
        if stop is None or any(stop["place"] == before["place"] for before in stops):
            break
        stops.append(stop)
    assert stops, "nothing takes the focus"
    weak = [stop for stop in stops if min(stop["inside"], stop["outside"]) < least]
    assert weak == [], weak
    return len(stops)


def difference(page: Page, one: Path, other: Path, *, noticed: int) -> float:
    """The share of the points of two PNG files that differ by more than `noticed` in a colour; 1 for other sizes."""
    blank = page.context.new_page()
    try:
        pictures = [base64.b64encode(path.read_bytes()).decode() for path in (one, other)]
        share: float = blank.evaluate(_DIFFERENCE, [*pictures, noticed])
        return share
    finally:
        blank.close()


_DIFFERENCE = """async ([one, other, noticed]) => {
  const points = async (encoded) => {
    const image = new Image();
    image.src = 'data:image/png;base64,' + encoded;
    await image.decode();
    const canvas = Object.assign(document.createElement('canvas'), {width: image.width, height: image.height});
    const context = canvas.getContext('2d');
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
}"""

_OUTSIDE = """() => {
  const wide = document.documentElement.clientWidth;
  const found = [];
  if (document.documentElement.scrollWidth > wide) found.push(`the page is ${document.documentElement.scrollWidth} px wide`);
  for (const node of document.querySelectorAll('body *')) {
    const box = node.getBoundingClientRect();
    const style = getComputedStyle(node);
    if (!box.width || !box.height || style.clip !== 'auto' || node.closest('.visually-hidden, .skip-link, option, svg svg *')) continue;
    if (box.left < -1 || box.right > wide + 1) {
      const scrolls = node.parentElement.closest('.scrolls, .results');
      if (!scrolls) found.push(`${node.tagName}.${node.className} ${Math.round(box.left)}…${Math.round(box.right)}`);
    }
  }
  return found.slice(0, 8);
}"""

_SMALL = """(smallest) => {
  const found = [];
  const targets = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [role=button]';
  for (const node of document.querySelectorAll(targets)) {
    const style = getComputedStyle(node);
    let box = node.getBoundingClientRect();
    if (!box.width || style.visibility === 'hidden' || box.bottom < 0 && style.position === 'absolute') continue;
    if (node.closest('.visually-hidden') || node.tabIndex < 0) continue;
    if (box.width >= smallest - 0.5 && box.height >= smallest - 0.5) continue;
    if (node.tagName === 'A' && style.display === 'inline') {
      let block = node.parentElement;
      while (getComputedStyle(block).display.startsWith('inline')) block = block.parentElement;
      const words = [...block.querySelectorAll('a')].reduce((text, link) => text.replace(link.textContent, ''), block.textContent);
      if (words.replace(/[\\s.,:;،؛]/g, '')) continue;
    }
    node.scrollIntoView({block: 'center'});
    box = node.getBoundingClientRect();
    const [x, y, half] = [box.left + box.width / 2, box.top + box.height / 2, smallest / 2 - 1];
    const hits = ([dx, dy]) => {
      const there = document.elementFromPoint(x + dx, y + dy);
      return there && (node.contains(there) || [...(node.labels || [])].some((label) => label.contains(there)));
    };
    const needed = [];
    if (box.width < smallest - 0.5) needed.push([-half, 0], [half, 0]);
    if (box.height < smallest - 0.5) needed.push([0, -half], [0, half]);
    if (!needed.every(hits)) found.push(`${node.tagName} «${(node.textContent || node.name).trim().slice(0, 40)}» ${Math.round(box.width)}×${Math.round(box.height)}`);
  }
  window.scrollTo(0, 0);
  return found;
}"""

_RING = """() => {
  const node = document.activeElement;
  if (!node || node === document.body) return null;
  const parse = (text) => { const found = (text || '').match(/rgba?\\(([^)]*)\\)/); return found ? found[1].split(',').map(Number) : null; };
  const clear = (colour) => !colour || colour[3] === 0;
  const light = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((part) => part / 255).map((part) => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => { const [a, b] = [light(one), light(other)]; return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05); };
  const ground = (from) => {
    for (let each = from; each; each = each.parentElement) {
      const colour = parse(getComputedStyle(each).backgroundColor);
      if (!clear(colour)) return colour;
    }
    return [255, 255, 255];
  };
  const style = getComputedStyle(node);
  const bands = [];
  if (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2) bands.push(parse(style.outlineColor));
  for (const shadow of style.boxShadow.split(/,(?![^(]*\\))/)) if (parse(shadow) && !clear(parse(shadow))) bands.push(parse(shadow));
  const best = (beside) => Math.max(0, ...bands.map((band) => contrast(band, beside)));
  const path = [];
  for (let each = node; each !== document.body; each = each.parentElement) path.unshift([...each.parentElement.children].indexOf(each));
  return {place: path.join('/'), what: `${node.tagName} ${node.className} ${(node.textContent || node.name || '').trim().slice(0, 30)}`,
          inside: best(ground(node)), outside: best(ground(node.parentElement))};
}"""
