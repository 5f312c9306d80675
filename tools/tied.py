"""Run a command that ends when its parent process ends: `tied.py COMMAND…`.

On Linux the kernel sends SIGTERM to the command when the process that started it dies, however it
dies, so that a supervisor killed with SIGKILL leaves nobody behind. Elsewhere the command just
runs, and the next start clears what was left (tools/serve.py).
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    try:
        os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - the command is our own
    except OSError as error:
        sys.exit(f"{sys.argv[1]} could not be started: {error.strerror}")


if __name__ == "__main__":
    main()
