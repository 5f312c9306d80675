"""Nothing is left in a session of PostgreSQL: behind a pooler the next transaction is in another one.

tests/peers/test_pgbouncer.py tries the portal behind PgBouncer; this finds what no journey comes past.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import ROOT

pytestmark = pytest.mark.project
ROOMS = ("common", "sms", "mail", "identity", "accounts", "registration", "openid", "tamin_portal", "tools")
# Methods that open a cursor on the server, and words in SQL that change a session.
CALLS = {"iterator", "aiterator", "chunked_cursor", "set_session", "set_isolation_level", "set_client_encoding"}
SQL = re.compile(
    r"""
    ^\s*(?:RE)?SET\s+(?!LOCAL\b|CONSTRAINTS\b|TRANSACTION\b)["\w.]+(?:\s+|\s*=|$)   # SET and RESET of a session
    | \bset_config\s*\((?!.*,\s*true\s*\))
    | \bpg_(?:try_)?advisory_(?:lock|unlock)(?!\w*xact)
    | ^\s*(?:UN)?LISTEN\s+["\w*] | ^\s*(?:PREPARE|DEALLOCATE|DISCARD)\s+["\w]
    | \bDECLARE\s+["\w]+\s.*\bCURSOR\b | \bWITH\s+HOLD\b
    | \bCREATE\s+(?:(?:LOCAL|GLOBAL)\s+)?TEMP(?:ORARY)?\b | \bINTO\s+TEMP(?:ORARY)?\b
    | \b(?:currval|lastval)\s*\(
    """,
    re.VERBOSE | re.DOTALL,
)


def found(source: str) -> Iterator[tuple[int, str]]:
    """The line and the words of each thing in `source` that needs a session."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in CALLS:
                yield node.lineno, f".{node.func.attr}("
            if node.func.attr == "cursor" and (node.args or node.keywords):
                yield node.lineno, "a cursor with a name"
    for line, text in strings(ast.parse(source)):
        for statement in text.split(";"):  # one string may hold several
            if match := SQL.search(statement):
                yield line, match[0].strip()


def strings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every string with its line; what an f-string puts in is an x."""
    inner = set()
    for node in ast.walk(tree):  # an f-string comes before its parts
        if isinstance(node, ast.JoinedStr):
            inner.update(map(id, node.values))
            yield node.lineno, "".join(part.value if isinstance(part, ast.Constant) else "x" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
            yield node.lineno, node.value


def test_nothing_of_the_project_needs_a_session() -> None:
    files = [file for room in ROOMS for file in (ROOT / room).rglob("*.py")]
    assert len(files) > 200
    state = [f"{where(file)}:{line} {words}" for file in files for line, words in found(file.read_text("utf-8"))]
    assert state == []


def where(file: Path) -> str:
    return str(file.relative_to(ROOT))


@pytest.mark.parametrize(
    "line",
    [
        "rows.iterator()",
        "rows.aiterator(chunk_size=10)",
        'connection.cursor("name")',
        'connection.cursor(name="name")',
        'cursor.execute("SET lock_timeout = 5000")',
        'cursor.execute("SET SESSION AUTHORIZATION someone")',
        'cursor.execute("SET ROLE someone")',
        'cursor.execute("BEGIN; SET search_path TO here")',
        'cursor.execute("RESET ALL")',
        "cursor.execute(\"SELECT set_config('lock_timeout', %s, false)\")",
        'cursor.execute("SELECT pg_advisory_lock(1)")',
        'cursor.execute("SELECT pg_try_advisory_lock(1)")',
        'cursor.execute("SELECT pg_advisory_unlock_all()")',
        'cursor.execute("LISTEN news")',
        'cursor.execute("PREPARE it AS SELECT 1")',
        'cursor.execute("DECLARE c CURSOR FOR SELECT 1")',
        'cursor.execute("CREATE TEMP TABLE t (id int)")',
        "cursor.execute(\"SELECT currval('s')\")",
    ],
)
def test_what_needs_a_session_is_found(line: str) -> None:
    assert list(found(line))


@pytest.mark.parametrize(
    "line",
    [
        "connection.cursor()",
        'cursor.execute("SET LOCAL lock_timeout = 5000; SET LOCAL synchronous_commit TO off")',
        'cursor.execute("SET CONSTRAINTS ALL DEFERRED")',
        "cursor.execute(\"SELECT set_config('lock_timeout', %s, true)\")",
        'cursor.execute("SELECT pg_advisory_xact_lock(key) FROM keys")',
        'cursor.execute("SELECT pg_try_advisory_xact_lock(1)")',
        'cursor.execute("UPDATE t SET a = 1")',
        'help = "Set a number, and listen to what is prepared"',
    ],
)
def test_what_ends_with_its_transaction_is_no_fault(line: str) -> None:
    assert not list(found(line))
