"""Run a command that ends when its parent process ends: `tied.py [--after FILE] COMMAND…`.

On Linux the kernel sends SIGTERM to the command when the process that started it dies, however it
dies, so that a supervisor killed with SIGKILL leaves nobody behind. Elsewhere the command just
runs, and the next start clears what was left (tools/serve.py).

With --after it begins once FILE is there, or at the latest after `AT_MOST` seconds: what loads at the same time as the
web takes the processors from it.
"""

import ctypes
import os
import signal
import sys
import time

PR_SET_PDEATHSIG = 1
AT_MOST, LOOK = 20.0, 0.05  # seconds


def main() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    command = sys.argv[1:]
    if command[0] == "--after":
        wait_for(command[1])
        command = command[2:]
    try:
        os.execvp(command[0], command)  # noqa: S606 - the command is our own
    except OSError as error:
        sys.exit(f"{command[0]} could not be started: {error.strerror}")


def wait_for(file: str) -> None:
    ends = time.monotonic() + AT_MOST
    while not os.path.exists(file) and time.monotonic() < ends:
        time.sleep(LOOK)


if __name__ == "__main__":
    main()
