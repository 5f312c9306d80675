"""How the tests themselves are arranged."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.support.paths import ROOT

pytestmark = pytest.mark.project
TESTS = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "tests").rglob("*.py"))}

# A line of a program that a test gives to another process, as text.
LINE = re.compile(
    r"from ((?:common|sms|identity|mail|accounts|registration|tamin_portal|tests)\b[\w.]*) import ([\w, ]+)"
)


def imported(module: ast.Module) -> Iterator[str]:
    """Every dotted name that an import statement names, with what it takes from there."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module or ''}.{each.name}" for each in node.names)


def is_a_fixture(node: ast.FunctionDef) -> bool:
    return any(ast.unparse(each).startswith("pytest.fixture") for each in node.decorator_list)


def test_what_tests_share_is_in_helpers_and_no_test_imports_another():
    others = [
        (path.name, name)
        for path, module in TESTS.items()
        for name in imported(module)
        if name.startswith((".", "tests.")) and any(part.startswith("test_") for part in name.split("."))
    ]
    assert others == []


def test_no_two_files_define_the_same_fixture():
    """The same name may mean something else in another file; the same body may not be written twice."""
    bodies = Counter(
        (node.name, ast.dump(node.args), *map(ast.dump, node.body))
        for path, module in TESTS.items()
        for node in module.body
        if isinstance(node, ast.FunctionDef) and is_a_fixture(node)
    )
    assert [body[0] for body, times in bodies.items() if times > 1] == []


def test_programs_that_run_elsewhere_import_what_exists():
    missing = [
        (path.name, found[0])
        for path, module in TESTS.items()
        for node in ast.walk(module)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for found in LINE.finditer(node.value)
        if not all(exists(found[1], name.split()[0]) for name in found[2].split(",") if name.strip())
    ]
    assert missing == []


def exists(module: str, name: str) -> bool:
    """Whether `from module import name` works."""
    try:
        return hasattr(importlib.import_module(module), name) or bool(importlib.util.find_spec(f"{module}.{name}"))
    except ModuleNotFoundError:
        return False
