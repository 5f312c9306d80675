"""What a home tells `manage.py`: its own settings, and the real servers the running portal was given."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.paths import ROOT

PRINT = "from django.conf import settings; print(settings.DATABASES['default']['ENGINE'], settings.REDIS_URL)"


def settings_of(home: Path, **env: str) -> str:
    """The database engine and the Redis that a process with only PORTAL_HOME (and `env`) sees."""
    command = [sys.executable, "-c", f"import django; django.setup(); {PRINT}"]
    clean = {"PATH": os.environ["PATH"], "PORTAL_HOME": str(home), "DJANGO_SETTINGS_MODULE": "tamin_portal.settings"}
    done = subprocess.run(command, env=clean | env, cwd=ROOT, text=True, capture_output=True, check=False)
    return done.stdout.strip() or done.stderr


def a_home(folder: Path) -> Path:
    (folder / "run").mkdir()
    (folder / "portal.env").write_text("PORTAL_MODE=demo\nSECRET_KEY=x\nCODE_HASH_KEY=y\nREDIS_URL=redis://own/0\n")
    return folder


def test_a_home_without_settings_is_refused(tmp_path):
    assert "no settings" in settings_of(tmp_path)


def test_the_default_is_the_homes_own_database(tmp_path):
    assert settings_of(a_home(tmp_path)) == "django.db.backends.sqlite3 redis://own/0"


def test_the_servers_that_make_run_was_given_are_known_to_manage_py(tmp_path):
    home = a_home(tmp_path)
    (home / "run" / "servers.env").write_text("DATABASE_URL=postgres://u@db/p\nREDIS_URL=redis://real/1\n")
    assert settings_of(home) == "common.postgresql redis://real/1"


def test_the_environment_wins_over_both(tmp_path):
    home = a_home(tmp_path)
    (home / "run" / "servers.env").write_text("REDIS_URL=redis://real/1\n")
    assert settings_of(home, REDIS_URL="redis://mine/2").endswith("redis://mine/2")
