"""The containers' own front: tools/front.nginx.conf in a real nginx."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.support.live import wait_for
from tests.support.paths import ROOT

NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")


def trust(folder: Path, networks: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "FRONT_TRUSTED_PROXIES": networks, "FRONT_TRUST_FOLDER": str(folder)}
    return subprocess.run([str(ROOT / "tools/front-trust.sh")], env=env, capture_output=True, text=True, timeout=30)


def front_conf(folder: Path, port: int, web: int) -> str:
    """The very file of the containers, with other places and ports."""
    conf = (ROOT / "tools/front.nginx.conf").read_text()
    conf, webs = re.subn(r"set \$web web;\s+proxy_pass http://\$web:8000;", f"proxy_pass http://127.0.0.1:{web};", conf)
    assert webs >= 2
    conf = re.sub(r"resolver .*", "", conf)
    conf = conf.replace("root /etc/nginx/portal;", f"root {ROOT / 'tools'};")
    conf = conf.replace("/tmp/front/", f"{folder}/trust/").replace("/tmp/nginx.pid", f"{folder}/front.pid")
    conf = conf.replace("listen 8080;", f"listen 127.0.0.1:{port}; listen [::1]:{port};")
    return conf.replace("http {", "http {\n" + temporary(folder), 1)


def temporary(folder: Path) -> str:
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)


@contextlib.contextmanager
def nginx(folder: Path, name: str, conf: str, port: int) -> Iterator[None]:
    file = folder / f"{name}.conf"
    file.write_text(conf)
    command = [str(NGINX), "-p", str(folder), "-e", "stderr", "-c", str(file), "-g", "daemon off;"]
    with serving(command, port):
        yield


@contextlib.contextmanager
def serving(command: list[str], port: int, env: dict[str, str] | None = None) -> Iterator[None]:
    with subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_for(lambda: process.poll() is not None or is_open(port))
            assert process.poll() is None, process.stderr.read() if process.stderr else ""
            yield
        finally:
            process.terminate()


def is_open(port: int) -> bool:
    with contextlib.suppress(OSError), contextlib.closing(http.client.HTTPConnection("127.0.0.1", port)) as attempt:
        attempt.connect()
        return True
    return False
