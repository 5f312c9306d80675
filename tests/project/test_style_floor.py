"""The style sheets are for the oldest browsers that the portal serves, small, and right in both directions."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

sys.path.insert(0, str(ROOT / "tools"))

from setup import find_npm

pytestmark = pytest.mark.project
BUILT = ROOT / "build" / "assets"
LARGEST = 10_000  # bytes, compressed: it blocks the first sight of every page


def checked(*files: Path) -> subprocess.CompletedProcess[str]:
    node = find_npm()[0]
    return subprocess.run([node, "tools/check-style.mjs", *map(str, files)], cwd=ROOT, capture_output=True, text=True)


def test_no_style_sheet_needs_a_newer_browser() -> None:
    done = checked()
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("style", "what"),
    [
        ("display:flex;gap:1rem", "gap of a flex box"),
        ("inset:0", "inset"),
        ("margin-inline:1px", "margin-inline"),
        ("width:fit-content", "width: fit-content"),
        ("appearance:none", "appearance"),
        ("color:oklch(1 2 3)", "oklch()"),
        ("widht:1px", "no such property"),
    ],
)
def test_what_the_floor_lacks_is_found(tmp_path: Path, style: str, what: str) -> None:
    (tmp_path / "new.css").write_text(f"@font-face{{src:x}}.a{{{style}}}")
    done = checked(tmp_path / "new.css")
    assert done.returncode == 1
    assert what in done.stderr


def test_a_selector_that_the_floor_lacks_is_found(tmp_path: Path) -> None:
    (tmp_path / "new.css").write_text(".a:has(b){color:red}@container (width:1px){a{color:red}}")
    said = checked(tmp_path / "new.css").stderr
    assert ":has" in said
    assert "@container" in said


def test_the_one_blocking_style_sheet_is_small() -> None:
    packed = len(gzip.compress((BUILT / "portal.css").read_bytes(), 9))
    assert packed <= LARGEST, f"{packed} bytes"
    base = (ROOT / "templates" / "base.html").read_text(encoding="utf-8")
    assert len(re.findall(r'rel="stylesheet"', base)) == 1


@pytest.mark.parametrize("name", ["portal.css", "portal_admin.css", "desk.css"])
def test_each_side_is_named_for_both_directions(name: str) -> None:
    """A rule for the left or the right has its fellow for the other direction, or sets both sides."""
    style = (BUILT / name).read_text(encoding="utf-8")
    for selector, body in re.findall(r"([^{}]+)\{([^{}]*)\}", style):
        sides = set(re.findall(r"(?<![\w-])((?:margin|padding|border)-(?:left|right)|left|right)\s*:", body))
        if not sides or {"left", "right"} <= sides:
            continue
        assert "[dir=" in selector, f"{selector} {{{body}}}"
