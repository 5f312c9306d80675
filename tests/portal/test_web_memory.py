"""What a web process keeps of the memory that it has used; each case in a process of its own."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest
import serve

from tests.support.paths import ROOT

HASHED_BY_MANY = """
import re, threading
from pathlib import Path
from argon2 import PasswordHasher
from tamin_portal import web_memory

def resident():
    return int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

if {bounded}:
    web_memory.return_what_is_freed()
hasher = PasswordHasher(time_cost=1, memory_cost=19 * 1024, parallelism=1)
before = resident()
threads = [threading.Thread(target=lambda: [hasher.hash("x") for _ in range(5)]) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(round(resident() - before))
"""
COLLECTED = """
import gc
from tamin_portal import web_memory
web_memory.share_what_is_loaded()
shared = gc.get_freeze_count()
more = [[] for _ in range(1000)]
web_memory.leave_what_is_loaded()
print(shared > 1000, gc.get_freeze_count() >= shared + 1000, gc.get_threshold()[0], gc.isenabled())
"""


def printed(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="settings of glibc")
def test_the_memory_of_hashes_goes_back_when_they_are_done():
    """19 MB each; left to itself glibc keeps them for each thread."""
    assert int(printed(HASHED_BY_MANY.format(bounded=False))) > 40
    assert int(printed(HASHED_BY_MANY.format(bounded=True))) < 15


def test_what_is_loaded_is_not_looked_through_for_garbage():
    assert printed(COLLECTED) == "True True 10000 True"


def test_make_run_and_the_image_ask_for_large_pages(tmp_path, monkeypatch):
    """Mappings of small pages would make each hash dearer. Whoever sets the variable for something else keeps that."""
    (tmp_path / "portal.env").write_text("")
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    asked = serve.environment(tmp_path, 9090)["GLIBC_TUNABLES"]
    assert f"GLIBC_TUNABLES={asked}\n" in (ROOT / "Dockerfile").read_text()
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.check=3")
    assert serve.environment(tmp_path, 9090)["GLIBC_TUNABLES"] == "glibc.malloc.check=3"
