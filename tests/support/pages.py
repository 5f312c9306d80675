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
