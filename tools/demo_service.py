"""The demo's own service beside the portal: on which port, and by which command it runs. For `tools/serve.py`.

It is a program of somebody else, who knows the portal by what docs/connect-a-service.md says: its environment holds
nothing of the portal's, and its secret is in the home.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
from pathlib import Path

from setup import BUILD, PYTHON, ROOT, Stop

PROGRAM = ROOT / "docs/clients/python/service.py"
KEPT_IN = "demo-service.json"  # written by openid/demo.py
FONT = BUILD / "assets/fonts/vazirmatn-arabic-wght-normal.woff2"


def address(home: Path, portal: int) -> str:
    """Where it will answer: on the port of the run before, or, if that is taken, on a free one. The loopback only.
    `portal`: the portal's own port, on which nothing listens yet."""
    for wanted in (_port_before(home), 0, 0):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", wanted))
            port = probe.getsockname()[1]
            if port != portal:
                return f"http://127.0.0.1:{port}"
    raise Stop("no port of this machine is free for the demo's service")


def command(home: Path, *, mark: str) -> list[str]:
    """Its program and arguments, once it is connected; `mark`, NAME=VALUE, is all that it hears of the portal's
    environment."""
    kept = json.loads((home / KEPT_IN).read_text(encoding="utf-8"))
    font = ["--font", str(FONT)] if FONT.exists() else []
    clean = ["env", "-i", mark, f"PATH={os.environ.get('PATH', os.defpath)}", "PYTHONUTF8=1", "PYTHONUNBUFFERED=1"]
    told = ["--issuer", kept["issuer"], "--url", kept["url"], *font]
    return [*clean, str(PYTHON), str(PROGRAM), *told, str(home / KEPT_IN)]


def _port_before(home: Path) -> int:
    try:
        kept = json.loads((home / KEPT_IN).read_text(encoding="utf-8"))
        found = re.fullmatch(r"http://127\.0\.0\.1:([1-9]\d{0,4})", str(kept["url"]))
    except (OSError, ValueError, KeyError, TypeError):  # never run, or broken
        return 0
    return int(found[1]) if found and int(found[1]) < 65536 else 0
