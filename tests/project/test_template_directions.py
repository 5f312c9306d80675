"""Templates point the way imports do: a page may take from its own app or a lower one, never from a higher one.

What import-linter cannot see: `{% extends %}`, `{% include %}`, `{% load %}`, and the names of templates in Python.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import ROOT

pytestmark = pytest.mark.project
TEMPLATES = ROOT / "templates"
# Who may take from whom: whatever is lower. Apps of the same height do not know each other. `portal` is the shell:
# it puts pages of several apps together; "" is what all share: `shared/`, base.html, error pages, the admin site.
HEIGHTS = {"": 0, "sms": 1, "mail": 1, "identity": 1, "accounts": 2, "registration": 3, "openid": 3, "portal": 4}
APPS = ("sms", "mail", "identity", "accounts", "registration", "openid")
# The admin site warns staff before their session ends, and sessions are the accounts'. (It signs them in there, too.)
EXCUSED = {("admin/base_site.html", "accounts")}

TAG = re.compile(r"\{%-?\s*(extends|include|load)\s+(.+?)\s*-?%\}")
NAME = re.compile(r"""["']([\w/.-]+\.(?:html|txt))["']""")


def room_of(name: str) -> str:
    """The app that a template belongs to by its folder, `admin/` left out; "" if it is everybody's."""
    folders = name.split("/")[:-1]
    if folders[:1] == ["admin"]:
        folders = folders[1:]
    room = folders[0] if folders else ""
    return "" if room == "shared" else room


def libraries() -> dict[str, str]:
    """The app of each library of template tags."""
    return {path.stem: path.parent.parent.name for app in APPS for path in ROOT.glob(f"{app}/templatetags/*.py")}


def taken_by_templates(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Every template of `folder`, what it names, and the app which that belongs to."""
    rooms = libraries()
    for path in sorted(path for path in folder.rglob("*") if path.suffix in (".html", ".txt")):
        name = path.relative_to(folder).as_posix()
        for tag, rest in TAG.findall(path.read_text(encoding="utf-8")):
            if tag == "load":
                yield from ((name, library, rooms.get(library, "")) for library in rest.split())
                continue
            target = NAME.match(rest)
            assert target, f"{name}: nobody can tell what {tag} {rest} takes"
            if (folder / target[1]).exists() or (TEMPLATES / target[1]).exists():  # else it is Django's own
                yield name, target[1], room_of(target[1])


def taken_by_modules(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Every module of the apps in `folder` that names a template, the name, and the app which that belongs to."""
    for app in APPS:
        for path in sorted(folder.glob(f"{app}/**/*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                for name in _templates_in(node):
                    yield path.relative_to(folder).as_posix(), name, room_of(name)


def _templates_in(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.JoinedStr):
        parts = [str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values]
        text = "".join(parts)
    else:
        text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
    if re.fullmatch(r"[\w/-]+\.(html|txt)", text) and (TEMPLATES / text).parent.is_dir():
        yield text


def upward(taken: Iterator[tuple[str, str, str]], owner: str = "") -> list[str]:
    """What takes from an app that is not lower than its own, as sentences. An owner is asked for of modules only."""
    found = []
    for name, target, theirs in taken:
        own = name.split("/")[0] if owner == "module" else room_of(name)
        allowed = theirs == own or HEIGHTS[theirs] < HEIGHTS[own] or (name, theirs) in EXCUSED
        if not allowed:
            found.append(f"{name} takes {target}")
    return found


def test_no_template_takes_from_a_higher_app():
    assert upward(taken_by_templates(TEMPLATES)) == []


def test_no_module_renders_a_template_of_a_higher_app():
    assert upward(taken_by_modules(ROOT), "module") == []


def test_there_is_something_to_look_at():
    assert len(list(taken_by_templates(TEMPLATES))) > 100
    assert len({name for name, *_ in taken_by_modules(ROOT)}) > 10


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("accounts/page.html", '{% include "registration/_notice.html" %}'),
        ("accounts/page.html", '{% extends "registration/begun.html" %}'),
        ("accounts/page.html", "{% include 'registration/_notice.html' with step=1 only %}"),
        ("shared/_part.html", '{% include "accounts/_held.html" %}'),
        ("base.html", '{% include "accounts/_ended.html" %}'),
        ("404.html", '{% extends "accounts/base.html" %}'),
        ("mail/letter.txt", '{% include "accounts/_held.html" %}'),
        ("sms/page.html", '{% extends "mail/base.html" %}'),
        ("sms/page.html", "{% load i18n mailbox %}"),
        ("shared/_part.html", "{% load idle %}"),
        ("registration/page.html", '{% extends "portal/inbox.html" %}'),
        ("admin/accounts/user/page.html", '{% extends "admin/registration/desk_base.html" %}'),
        ("admin/page.html", '{% include "admin/sms/health.html" %}'),
    ],
)
def test_a_template_that_takes_from_a_higher_app_is_found(tmp_path: Path, name: str, tag: str):
    page = tmp_path / name
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(f"{tag}\n", encoding="utf-8")

    assert len(upward(taken_by_templates(tmp_path))) == 1


def test_a_template_whose_target_is_no_name_is_refused(tmp_path: Path):
    (tmp_path / "page.html").write_text("{% include whichever %}", encoding="utf-8")

    with pytest.raises(AssertionError, match="nobody can tell"):
        list(taken_by_templates(tmp_path))


@pytest.mark.parametrize(
    "said", ['"registration/_notice.html"', 'f"registration/step_{step}.html"', '"portal/inbox.html"']
)
def test_a_module_that_renders_a_page_of_a_higher_app_is_found(tmp_path: Path, said: str):
    module = tmp_path / "accounts" / "views.py"
    module.parent.mkdir()
    module.write_text(f"def page(step):\n    return {said}\n", encoding="utf-8")

    assert len(upward(taken_by_modules(tmp_path), "module")) == 1
