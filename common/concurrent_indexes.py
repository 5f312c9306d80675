"""Operations of migrations that build or drop an index of a table in use: concurrently on PostgreSQL, so that nobody
waits; elsewhere as Django does. Their migration has `atomic = False`."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres import operations
from django.db import migrations


class AddIndexConcurrently(operations.AddIndexConcurrently):
    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        which = operations.AddIndexConcurrently if _is_postgresql(schema_editor) else migrations.AddIndex
        which.database_forwards(self, app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        which = operations.AddIndexConcurrently if _is_postgresql(schema_editor) else migrations.AddIndex
        which.database_backwards(self, app_label, schema_editor, from_state, to_state)


class RemoveIndexConcurrently(operations.RemoveIndexConcurrently):
    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        which = operations.RemoveIndexConcurrently if _is_postgresql(schema_editor) else migrations.RemoveIndex
        which.database_forwards(self, app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        which = operations.RemoveIndexConcurrently if _is_postgresql(schema_editor) else migrations.RemoveIndex
        which.database_backwards(self, app_label, schema_editor, from_state, to_state)


def _is_postgresql(schema_editor: Any) -> bool:
    return bool(schema_editor.connection.vendor == "postgresql")
