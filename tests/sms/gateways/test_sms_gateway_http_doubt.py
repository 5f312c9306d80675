"""A box that stops answering on the connections that are kept: the next try goes by a new one."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from common import http_client

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextmanager
def two_connections_that_answer_once() -> Iterator[tuple[int, list[int]]]:
    """A server whose first two connections answer one request, both at the same time, and no other. Later ones answer
    all. The list: on which connection each request came."""
    asked: list[int] = []
    together = threading.Barrier(2)

    def serve(connection: socket.socket, number: int) -> None:
        answered = False
        with connection, suppress(OSError):
            while connection.recv(65_536):
                asked.append(number)
                if number <= 2:
                    if answered:
                        continue
                    together.wait(5)
                answered = True
                connection.sendall(OK)

    def accept() -> None:
        number = 0
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                number += 1
                threading.Thread(target=serve, args=(connection, number), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1], asked
        server.shutdown(socket.SHUT_RDWR)


def test_after_a_time_out_no_kept_connection_is_used_again(monkeypatch):
    monkeypatch.setattr(http_client, "ANSWER_WITHIN", 0.5)
    with two_connections_that_answer_once() as (port, asked):
        client = http_client.Client(f"http://127.0.0.1:{port}")
        both = [threading.Thread(target=client.request, args=("GET", "/")) for _ in range(2)]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join(5)
        assert len(client._idle) == 2
        with pytest.raises(http_client.NoAnswer):
            client.request("GET", "/")
        assert client.request("GET", "/").status == 200
        assert len(asked) == 4
        assert asked[-1] == 3
