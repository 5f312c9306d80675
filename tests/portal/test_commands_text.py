"""Every command, given bytes that are no text, says so; the shell hands them on as they are."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support.paths import ROOT

NO_TEXT = b"mina\xff"


@pytest.mark.parametrize(
    "arguments",
    [
        [b"activate_registration", b"0070001014", b"--by", NO_TEXT, b"--reason", b"papers seen"],
        [b"activate_registration", b"0070001014", b"--by", b"mina", b"--reason", NO_TEXT],
        [b"reject_registration", NO_TEXT, b"--by", b"mina", b"--reason=papers"],
        [b"reject_registration", b"0070001014", b"--by=mina", b"--reason=" + NO_TEXT],
        [b"registration_status", NO_TEXT],
        [b"rematch", NO_TEXT],
        [b"sms_inbox", b"--to", NO_TEXT],
        [b"add_staff", b"--username", NO_TEXT, b"--administrator"],
        [b"add_staff", b"--username", b"mina", b"--branch", NO_TEXT],
        [b"load_civil_registry", NO_TEXT],
        [NO_TEXT],
    ],
)
def test_bytes_that_are_no_text_end_in_a_sentence(tmp_path, arguments):
    (tmp_path / "portal.env").write_text("PORTAL_MODE=demo\nSECRET_KEY=demo-" + "x" * 60)
    env = {"PATH": os.environ["PATH"], "PORTAL_HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}
    manage = [os.fsencode(sys.executable), b"manage.py", *arguments]
    done = subprocess.run(manage, cwd=ROOT, env=env, capture_output=True, timeout=60)
    said = done.stderr.decode()
    assert done.returncode == 1
    assert said.startswith("manage.py: ")
    assert said.endswith("mina\\xff” is not text in UTF-8.\n")
    assert said.count("\n") == 1
    assert done.stdout == b""
