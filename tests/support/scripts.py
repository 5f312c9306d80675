"""The browser's script `input-rules.js`, run by node."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest

from tests.support.paths import ROOT


def node(program: str) -> Any:
    """What a JavaScript expression over `inputRules` is."""
    if not shutil.which("node"):
        pytest.skip("no node on PATH")
    text = (ROOT / "static/src/input-rules.js").read_text("utf-8")
    done = subprocess.run(
        ["node", "-e", f"{text}\nconsole.log(JSON.stringify({program}))"], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def as_js(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
