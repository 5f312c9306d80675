"""What a migration does to PostgreSQL while the version before it serves: squawk reads the SQL of each."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from tests.support.paths import ROOT

SQUAWK = Path(sys.prefix) / "bin/squawk"

# Applied everywhere before their SQL was looked at. Another is added only with the reason why it hurts nobody, such as
# the removal of a column that even the version before does not use.
APPLIED = {
    "accounts.0002_the_accounts_life",
    "accounts.0004_who_asked_for_a_code",
    "accounts.0005_risk_at_sign_in",
    "accounts.0006_accounts_by_mobile",
    "portal.0009_turns_of_an_address",
    "registration.0002_matching_traces_and_looks",
    "registration.0003_decisions_by_time",
    "sms.0002_routes_and_receipts",
    "sms.0003_dead_letters",
}


def write_sql(folder: Path) -> int:
    """One file of SQL in `folder` for each migration of this project; returns how many there are."""
    loader = MigrationLoader(connection, replace_migrations=False)
    ours = {config.label for config in apps.get_app_configs() if Path(config.path).parent == ROOT}
    keys = [key for key in loader.graph.nodes if key[0] in ours]
    for app, name in keys:
        statements = loader.collect_sql([(loader.graph.nodes[app, name], False)])
        (folder / f"{app}.{name}.sql").write_text("\n".join(statements) + "\n", encoding="utf-8")
    return len(keys)


def findings(folder: Path) -> dict[str, set[str]]:
    """The rules that each file of SQL in `folder` breaks, by the file's name without its suffix."""
    command = [str(SQUAWK), "--config", str(ROOT / ".squawk.toml"), "--reporter", "json", *map(str, folder.iterdir())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    found = defaultdict(set)
    for finding in json.loads(done.stdout):
        found[Path(finding["file"]).stem].add(finding["rule_name"])
    return found


@pytest.mark.django_db(transaction=True)  # in a transaction Django writes no statement that says CONCURRENTLY
@pytest.mark.skipif(connection.vendor != "postgresql", reason="squawk reads PostgreSQL's SQL")
def test_no_new_migration_locks_a_table_or_breaks_the_version_before(tmp_path):
    assert write_sql(tmp_path) > len(APPLIED)
    found = findings(tmp_path)

    assert {name: rules for name, rules in found.items() if name not in APPLIED} == {}
    assert set(found) >= APPLIED


@pytest.mark.parametrize(
    ("sql", "rule"),
    [
        ("ALTER TABLE t ALTER COLUMN c DROP DEFAULT;", "ban-drop-default"),
        ("ALTER TABLE t DROP COLUMN c;", "ban-drop-column"),
        ("ALTER TABLE t RENAME COLUMN c TO d;", "renaming-column"),
        ("ALTER TABLE t ALTER COLUMN c TYPE bigint USING c::bigint;", "changing-column-type"),
        ("CREATE INDEX i ON t (c);", "require-concurrent-index-creation"),
    ],
)
def test_what_would_hurt_is_found(tmp_path, sql, rule):
    (tmp_path / "t.0002.sql").write_text(sql)
    assert findings(tmp_path) == {"t.0002": {rule}}


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE t ADD COLUMN c boolean DEFAULT true NOT NULL;",
        "CREATE TABLE t (c bigint NOT NULL); CREATE INDEX i ON t (c);",
        "CREATE INDEX CONCURRENTLY i ON t (c); CREATE INDEX CONCURRENTLY j ON t (c);",
    ],
)
def test_what_hurts_nobody_is_let_through(tmp_path, sql):
    (tmp_path / "t.0002.sql").write_text(sql)
    assert findings(tmp_path) == {}
