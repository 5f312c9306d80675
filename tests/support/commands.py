"""Management commands, as an administrator types them."""

from __future__ import annotations

import io
from typing import Any

from django.core.management import call_command


def run(*arguments: str, **options: Any) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out, stderr=out, **options)
    return out.getvalue()
