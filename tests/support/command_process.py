"""`manage.py` commands of a home, run by one process that stays: starting Django takes longer than most commands.

As a program it reads a JSON list of arguments from each line and answers with a line: what the command printed, its
last words if it failed.
"""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys

from tests.support.paths import ROOT


class CommandProcess:
    """Started by the first command; `env` names the home. Once ended, the next command starts it again."""

    def __init__(self, env: dict[str, str]) -> None:
        self.env = env
        self._running: subprocess.Popen[str] | None = None

    def run(self, arguments: tuple[str, ...]) -> tuple[str, str | None]:
        """What the command printed, and its last words if it failed."""
        if self._running is None:
            self._running = subprocess.Popen(
                [sys.executable, "-m", __name__],
                cwd=ROOT,
                env=self.env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
            )
        assert self._running.stdin
        assert self._running.stdout
        self._running.stdin.write(json.dumps(arguments) + "\n")
        self._running.stdin.flush()
        printed, failed = json.loads(self._running.stdout.readline())
        return printed, failed

    def end(self) -> None:
        if self._running is not None:
            self._running.communicate()  # the end of its input is the end of the program
            self._running = None


def _answer(arguments: list[str]) -> tuple[str, str | None]:
    from django.core.management import ManagementUtility

    from common import process_state

    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            name = arguments[0]
            ManagementUtility(["manage.py", *arguments]).fetch_command(name).run_from_argv(["manage.py", *arguments])
    except SystemExit as ended:
        if ended.code:
            return out.getvalue(), err.getvalue().strip() or str(ended.code)
    except Exception as error:  # a new process would end with it as its last words
        return out.getvalue(), repr(error)
    finally:
        process_state.reset_all()  # what it knows of a server that is down or back is no news to the next command
    return out.getvalue(), None


def main() -> None:
    import django

    django.setup()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_answer(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
