"""Exit 0 if the portal on this port of this machine answers GET /readyz with 200: `ready.py PORT`."""

from __future__ import annotations

import contextlib
import http.client
import os
import sys


def is_ready(port: int, allowed_hosts: str = "") -> bool:
    """Ask once. `allowed_hosts` is ALLOWED_HOSTS: outside demo mode only those names are answered."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    host = allowed_hosts.partition(",")[0].strip().lstrip(".") or "127.0.0.1"
    with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
        connection.request("GET", "/readyz", headers={"Host": host})
        return connection.getresponse().status == 200
    return False


if __name__ == "__main__":
    sys.exit(0 if is_ready(int(sys.argv[1]), os.environ.get("ALLOWED_HOSTS", "")) else 1)
