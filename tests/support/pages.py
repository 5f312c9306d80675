"""What a page may hold, and what of it a person reads."""

from __future__ import annotations

import re
from html import unescape


def assert_fits_the_policy(page: str) -> None:
    """Nothing that `script-src 'self'; style-src 'self'` would block."""
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page)
    assert all("src=" in tag for tag in re.findall(r"<script\b[^>]*>", page) if "application/json" not in tag)
    assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", page)


def text_of(html: str) -> str:
    """What a person reads: without head, tags and line breaks."""
    body = html.split("<body", 1)[1].split(">", 1)[1]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def main_ways(html: str) -> list[tuple[str, str]]:
    """The main buttons of a page, as (words, where it leads). Not those of the dialog that a script opens."""
    page = re.sub(r"<dialog.*?</dialog>", "", html, flags=re.S)
    ways = []
    for part in re.findall(r"<form.*?</form>|<a [^>]*btn-main.*?</a>", page, re.S):
        if part.startswith("<a"):
            ways.append((text_of(f"<body>{part}"), _attribute(part, "href")))
        for button in re.findall(r"<button[^>]*btn-main.*?</button>", part, re.S):
            ways.append((text_of(f"<body>{button}"), _attribute(part, "action")))
        for link in re.findall(r"<a [^>]*btn-main.*?</a>", part[2:], re.S):
            ways.append((text_of(f"<body>{link}"), _attribute(link, "href")))
    return ways


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf'^<[^>]*\s{name}="([^"]*)"', tag)
    return unescape(found[1]) if found else ""
