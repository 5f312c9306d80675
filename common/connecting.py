"""Opens a TCP connection within one deadline, which includes the look-up of the name and all its addresses."""

from __future__ import annotations

import os
import socket
import threading
import time
from concurrent.futures import Future
from ipaddress import ip_address
from typing import Any

Addresses = list[tuple[Any, ...]]  # as getaddrinfo returns them

_questions: dict[tuple[int, str, int], Future[Addresses]] = {}  # of this process (a fork has no threads of its parent)
_lock = threading.Lock()


class NotOutsideError(OSError):
    """The name leads to this machine or its own link, where an address that others choose must not lead."""


def connect(host: str, port: int, *, within: float, only_outside: bool = False) -> socket.socket:
    """A connected socket. Raises OSError (TimeoutError after `within` seconds), or UnicodeError if `host` cannot be a
    host name. `only_outside`: NotOutsideError for an address of this machine or its own link, whatever name leads
    there; it is the address that is then connected to, so the name cannot lead elsewhere in between."""
    ends = time.monotonic() + within
    addresses = _addresses(host, port, within)
    if only_outside and any(not _is_outside(address[0]) for *_kind, address in addresses):
        raise NotOutsideError
    fault: OSError = socket.gaierror(f"no address of {host}")
    for number, (family, kind, protocol, _name, address) in enumerate(addresses):
        connection = socket.socket(family, kind, protocol)
        try:
            share = (ends - time.monotonic()) / (len(addresses) - number)
            connection.settimeout(max(share, 0.001))
            connection.connect(address)
            return connection
        except OSError as error:
            connection.close()
            fault = error
    raise fault


def resolve(host: str, *, within: float) -> Addresses:
    """The addresses of `host`, as getaddrinfo returns them. Raises OSError, also if they take too long."""
    return _addresses(host, 0, within)


def is_loopback(host: str | int) -> bool:
    """Whether what is sent to `host` stays on this machine. False for a number (of an open socket)."""
    try:
        return host == "localhost" or (isinstance(host, str) and ip_address(host).is_loopback)
    except ValueError:
        return False


def _is_outside(host: str) -> bool:
    """Not loopback, link-local (where clouds keep the keys of a machine), unspecified, nor a group of machines."""
    address = ip_address(host.partition("%")[0])
    address = getattr(address, "ipv4_mapped", None) or address
    return not (address.is_loopback or address.is_link_local or address.is_unspecified or address.is_multicast)


def _addresses(host: str, port: int, within: float) -> Addresses:
    """The look-up runs in a thread that may be abandoned; at most one for each name, however many callers wait."""
    question = (os.getpid(), host, port)
    with _lock:
        answer = _questions.get(question)
        if answer is None:
            answer = _questions[question] = Future()
            threading.Thread(target=_ask, args=(question, answer), name="dns", daemon=True).start()
    return answer.result(timeout=within)


def _ask(question: tuple[int, str, int], answer: Future[Addresses]) -> None:
    _, host, port = question
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except Exception as error:
        answer.set_exception(error)
    else:
        answer.set_result(found)
    finally:
        with _lock:
            del _questions[question]
