"""The benchmark of a registration counts what is really sent to the database (`benchmarks/journeys/statements.py`)."""

import contextlib
import socket
import struct
import threading
import time

from benchmarks.journeys import statements


def message(kind, body):
    return kind + struct.pack("!I", len(body) + 4) + body


@contextlib.contextmanager
def heard():
    """A client's connection through a listener to a server that answers nothing; what that server got."""
    got = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            connection, _address = server.accept()
            with connection:
                while block := connection.recv(4096):
                    got.extend(block)

        threading.Thread(target=serve, daemon=True).start()
        url = f"postgres://someone@127.0.0.1:{server.getsockname()[1]}/name"
        with (
            statements.listening(url) as (listener, _through),
            socket.create_connection(("127.0.0.1", listener.port)) as client,
        ):
            yield listener, client, got


def wait_for(condition):
    ends = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.01)


def test_each_statement_that_goes_by_is_counted_and_goes_on():
    start = message(b"", struct.pack("!I", 196608) + b"user\0someone\0\0")
    sent = start + message(b"Q", b"BEGIN\0") + message(b"Q", b"SET LOCAL lock_timeout = 5; SELECT ';' FROM a\0")
    with heard() as (listener, client, got):
        client.sendall(sent)
        wait_for(lambda: bytes(got) == sent)

        assert listener.take() == ["BEGIN", "SELECT ';' FROM a"]
        assert listener.take() == []


def test_two_statements_that_are_sent_together_are_two():
    with heard() as (listener, client, _got):
        client.sendall(message(b"", b"start") + message(b"Q", b"UPDATE a SET b = 1; UPDATE c SET d = 'x;y'\0"))
        wait_for(lambda: listener.seen)

        assert statements.of_rows(listener.take()) == 2


def test_a_prepared_statement_counts_each_time_it_is_used():
    with heard() as (listener, client, _got):
        parse, bind = message(b"P", b"one\0SELECT a FROM b\0\0\0"), message(b"B", b"\0one\0\0\0\0\0\0\0")
        client.sendall(message(b"", b"start") + parse + bind + bind)
        wait_for(lambda: len(listener.seen) == 2)

        assert listener.take() == ["SELECT a FROM b"] * 2


def test_transaction_control_and_pings_are_no_statements_of_rows():
    sent = ["BEGIN", "SAVEPOINT x", "select 1", "INSERT INTO a VALUES (1)", "RELEASE SAVEPOINT x", "COMMIT;"]

    assert statements.of_rows(sent) == 1
    assert statements.kinds(sent).startswith("1 ")
    assert statements.kind("select 1") == "ping"
    assert statements.kind("SELECT 1 AS a FROM b") == "SELECT"
