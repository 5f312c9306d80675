"""A provider of registries on the loopback, which answers what a test wants."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Peer:
    """A provider on the loopback: `says` is asked for each request (path, query or body, headers)."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any], dict[str, str]]] = []
        self.says: Callable[[str, dict[str, Any], dict[str, str]], tuple[int, Any]] = lambda *_: (200, {})
        peer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.reply(json.loads(body))

            def do_GET(self) -> None:
                self.reply({name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()})

            def reply(self, given: dict[str, Any]) -> None:
                path, headers = urlsplit(self.path).path, dict(self.headers)
                peer.asked.append((path, given, headers))
                status, said = peer.says(path, given, headers)
                body = said if isinstance(said, bytes) else json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Not to the terminal."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # a caller that gave up
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def paths(self) -> list[str]:
        return [path for path, _given, _headers in self.asked]


def always(peer: Peer, said: Any, status: int = 200) -> None:
    peer.says = lambda *_: (status, said)
