"""Name the test files that belong to what was changed, one a line: `make check` runs them.

    python tools/changed.py [--base REVISION]

Changed is what differs from where this branch left REVISION (origin/main), committed or not. A test file belongs to
a module that it imports, asks for by the path of a page or runs by the name of a command; if none does so itself, to
the modules that import that one. It belongs to a template or any other file if it, or a module it belongs to, has the
file's name in its text. A changed file with no test file, or with too many, is left to `make test` and named on stderr.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import django
import grimp
from django.core.management import get_commands
from django.urls import Resolver404, resolve

ROOT = Path(__file__).resolve().parent.parent
MOST = 15  # test files of one changed file; with more of them a check is not quick
PAGE = re.compile(r"""["'](/[a-z][^"'{?#\s]*)""")
WORD = re.compile(r"""["'](\w+)["']""")


class Tree:
    """The modules of the project and its tests, and which of them use which."""

    def __init__(self) -> None:
        config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        packages = [*config["tool"]["importlinter"]["root_packages"], "tests", "tools"]
        self.graph = grimp.build_graph(*packages, cache_dir=None)
        self.files = {path: name for name in self.graph.modules if (path := file_of(name))}
        templates = (str(path.relative_to(ROOT)) for path in ROOT.glob("templates/**/*.html"))
        self.texts = {path: (ROOT / path).read_text(encoding="utf-8") for path in (*self.files, *templates)}
        for path, name in self.files.items():
            if path.startswith("tests/"):
                for used in asked_for(self.texts[path]) & self.graph.modules:
                    self.graph.add_import(importer=name, imported=used)

    def tests_of(self, path: str) -> set[str]:
        """The test files that belong to the file `path`."""
        if is_test(path):
            return {path}
        if path.endswith(".md"):
            return {path for path in self.files if path.endswith("/test_documents.py")}
        if path in self.files:
            return self._nearest_tests(self.files[path])
        name = path.removeprefix("templates/")
        users = {user for user, text in self.texts.items() if name in text and user != path}
        return {test for user in users for test in self.tests_of(user)}

    def _nearest_tests(self, module: str) -> set[str]:
        """The test files the fewest imports away from `module`."""
        seen = ring = {module}
        while ring:
            tests = {path for name in ring if (path := file_of(name)) and is_test(path)}
            if tests:
                return tests
            ring = {user for name in ring for user in self.graph.find_modules_that_directly_import(name)} - seen
            seen = seen | ring
        return set()


def file_of(module: str) -> str | None:
    """The module's file, from the root; None for a folder without `__init__.py`."""
    path = module.replace(".", "/")
    return next((name for name in (f"{path}.py", f"{path}/__init__.py") if (ROOT / name).exists()), None)


def is_test(path: str) -> bool:
    return path.startswith("tests/") and Path(path).name.startswith("test_")


def asked_for(text: str) -> set[str]:
    """The modules of the views and commands that a test asks for by a page's path or a command's name."""
    commands = get_commands()
    modules = {f"{commands[name]}.management.commands.{name}" for name in WORD.findall(text) if name in commands}
    for page in set(PAGE.findall(text)):
        try:
            view = resolve(page).func
        except Resolver404:
            continue
        modules.add(getattr(view, "view_class", view).__module__)
    return modules


def changed_files(base: str) -> list[str]:
    """Files of the work tree that differ from where HEAD left `base`, new ones included, removed ones not."""
    start = git("merge-base", "HEAD", base) or ["HEAD"]
    names = {*git("diff", "--name-only", start[0]), *git("ls-files", "--others", "--exclude-standard")}
    return sorted(name for name in names if (ROOT / name).is_file())


def git(*arguments: str) -> list[str]:
    """The lines that a git command printed; none if it failed."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.splitlines() if done.returncode == 0 else []


def main() -> None:
    parser = argparse.ArgumentParser(description="Name the test files that belong to what was changed.")
    parser.add_argument("--base", default="origin/main", help="what to compare with (default: %(default)s)")
    base = parser.parse_args().base
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    tree, chosen = Tree(), set()
    for path in changed_files(base):
        tests = tree.tests_of(path)
        if 0 < len(tests) <= MOST:
            chosen |= tests
        else:
            print(f"{path}: {len(tests)} test files belong to it; left to `make test`.", file=sys.stderr)
    print("\n".join(sorted(chosen)))


if __name__ == "__main__":
    main()
