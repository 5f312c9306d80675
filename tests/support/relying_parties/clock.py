"""Runs a service, whose clock is a minute later at SIGUSR2: `python clock.py SERVICE.py ARGUMENTS`."""

from __future__ import annotations

import runpy
import signal
import sys
import time
from pathlib import Path
from typing import Any

monotonic, later = time.monotonic, [0.0]


def a_minute(_number: int, _frame: Any) -> None:
    later[0] += 61
    sys.stdout.write("a minute later\n")
    sys.stdout.flush()


time.monotonic = lambda: monotonic() + later[0]
signal.signal(signal.SIGUSR2, a_minute)
del sys.argv[0]
sys.path.insert(0, str(Path(sys.argv[0]).parent))
runpy.run_path(sys.argv[0], run_name="__main__")
