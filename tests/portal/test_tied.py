"""What `make run` starts may wait for the web: tools/tied.py --after."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.live import LIMIT, wait_for
from tests.support.paths import ROOT

TIED = str(ROOT / "tools/tied.py")


def test_a_command_begins_once_the_file_is_there(tmp_path: Path) -> None:
    file, begun = tmp_path / "a file", tmp_path / "begun"
    command = [sys.executable, "-c", f"open({str(begun)!r}, 'w').close()"]
    with subprocess.Popen([sys.executable, TIED, "--after", str(file), *command]) as waiting:
        seen = Path(f"/proc/{waiting.pid}/cmdline")
        if seen.exists():
            wait_for(lambda: b"--after" in seen.read_bytes())
        assert waiting.poll() is None
        assert not begun.exists()
        file.touch()
        assert waiting.wait(LIMIT) == 0
    assert begun.exists()


def test_it_begins_without_the_file_when_the_web_does_not_come(tmp_path: Path) -> None:
    program = (
        f"import sys, tied; tied.AT_MOST = 0.1; sys.argv[1:] = ['--after', {str(tmp_path / 'none')!r}, 'echo', 'x']"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"{program}; tied.main()"], cwd=ROOT / "tools", capture_output=True, timeout=LIMIT
    )
    assert (done.returncode, done.stdout) == (0, b"x\n")
