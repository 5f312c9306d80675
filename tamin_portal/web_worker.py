"""The web's worker process: gunicorn forks and watches it, waitress talks to the clients.

A thread gets a request only when all of it is here, and hands its whole answer over: one loop reads and writes for all
connections. So a slow client costs a socket and some memory, never a thread, and each has a time limit
(`limits.WEB_…`). gunicorn's own threads read and write themselves: as many slow clients as there are threads stop
such a portal.

POSTs at which strangers cause a hash (`settings.HASHING_PAGES`) have threads of their own: a flood queues there,
and whoever wants a page does not queue behind it. Why so: docs/decisions/0026-hashing-has-a-lane-of-its-own.md.
"""

from __future__ import annotations

import os
import resource
import socket
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.module_loading import import_string
from gunicorn.workers.base import Worker
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer, UnixWSGIServer
from waitress.task import ThreadedTaskDispatcher

from common import limits
from tamin_portal.web_requests import Request, Task

JUST_CONNECTED = 1.0  # seconds: a new connection's request is on its way, and waited for when the process ends
UNREAD_AT_MOST = 5.0  # seconds that a busy loop may leave what a request goes on with unread
LOOK = 0.5  # seconds: the loop says that it lives, and ends connections whose time is over


class Channel(HTTPChannel):
    """One connection. Requests that arrive together are answered one after the other, each when the answer before it
    is taken: else answers for one client pile up, and so do the files they are read from.
    """

    task_class, parser_class = Task, Request
    next_waits = False  # a request is here, and the answer before it is not taken yet
    sends_since = 0.0  # when an answer was first seen to wait for its client

    def waits_since(self, now: float) -> tuple[float, float]:
        """Since when the connection waits for its client, and for how long it may; `now`: it does not wait."""
        if self.requests and not self.next_waits:
            return now, 0.0
        if self.total_outbufs_len:
            self.sends_since = self.sends_since or now
            return self.sends_since, limits.WEB_ANSWER_TAKEN_WITHIN.total_seconds()
        self.sends_since = 0.0
        request: Request | None = self.request
        if request is None:
            idle = time.time() - self.last_activity
            return now - max(0.0, idle), limits.WEB_KEPT_ALIVE.total_seconds()
        head, whole = limits.WEB_HEAD_WITHIN, limits.WEB_REQUEST_WITHIN
        return request.began, (whole if request.headers_finished else head).total_seconds()

    def is_unheard(self) -> bool:
        """Whether bytes of a request that just began have arrived and the loop has not read them: then it is the server
        who is waited for. A connection that is closed on unread bytes is reset, and the browser shows an error."""
        if self.requests or self.total_outbufs_len:
            return False
        if self.request is not None and time.monotonic() - self.request.began > UNREAD_AT_MOST:
            return False
        try:
            return bool(self.socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except OSError:
            return False

    def is_busy(self) -> bool:
        """Whether a request or an answer is on its way."""
        if self.requests or self.total_outbufs_len or self.request is not None:
            return True
        return self.last_activity == self.creation_time > time.time() - JUST_CONNECTED

    def writable(self) -> bool:
        return bool(self.next_waits or super().writable())

    def handle_write(self) -> None:
        """As waitress does; then start the next request, once the answer before it is sent."""
        if not self.next_waits:
            super().handle_write()
            return
        self._flush_exception(self._flush_some)
        if self.will_close:
            self.handle_close()
        elif not self.total_outbufs_len:
            self.next_waits = False
            self.server.add_task(self)


class _Server:
    """What both kinds of listening sockets have in common."""

    channel_class = Channel
    worker: PatientWorker
    active_channels: dict[int, Channel]
    task_dispatcher: Queues

    def add_task(self, channel: Channel) -> None:
        """A request has arrived, or one that came with it is answered."""
        if channel.total_outbufs_len:
            channel.next_waits = True
        else:
            self.task_dispatcher.add_task(channel)

    def maintenance(self, now: float) -> None:
        """End the connections whose time is over; where few are left, also those that were waited for longest."""
        clock = time.monotonic()
        waiting: list[tuple[float, Channel]] = []
        over: list[tuple[float, Channel]] = []
        for channel in self.active_channels.values():
            since, at_most = channel.waits_since(clock)
            if since < clock:
                (over if clock - since > at_most else waiting).append((since, channel))
        crowded = len(self.active_channels) - len(over) - int(limits.WEB_CONNECTIONS * limits.WEB_CROWDED)
        if crowded > 0:
            late = sorted((each for each in waiting if clock - each[0] > JUST_CONNECTED), key=lambda each: each[0])
            over += late[:crowded]
        for _, channel in over:
            if not channel.is_unheard():
                channel.handle_close()  # at once: a client that takes nothing never lets the loop write


class TcpServer(_Server, TcpWSGIServer):
    """On an address."""


class UnixServer(_Server, UnixWSGIServer):
    """On the path of a socket: whoever is behind it has no address, as with gunicorn's own workers."""

    def fix_addr(self, addr: Any) -> tuple[str, None]:
        return ("", None)


class Queues:
    """Hands requests to threads. POSTs at which strangers cause a hash have few threads of their own, and those that
    come with a device's cookie of ours another one: its owner does not queue behind a flood of strangers.
    """

    def __init__(self, threads: int) -> None:
        self.hashing_paths = frozenset(reverse(name) for name in settings.HASHING_PAGES)
        self.is_known: Callable[[str], bool] = import_string(settings.HASHING_KNOWN)
        self.pages, self.strangers, self.known = (ThreadedTaskDispatcher() for _ in range(3))
        self.pages.set_thread_count(threads)
        self.strangers.set_thread_count(limits.HASHING_WAITERS)
        self.known.set_thread_count(1)

    def add_task(self, channel: Channel) -> None:
        request: Request = channel.requests[0]
        request.arrived = time.monotonic()
        self._queue_of(request).add_task(channel)

    def _queue_of(self, request: Request) -> ThreadedTaskDispatcher:
        if request.error or request.command != "POST" or _path(request) not in self.hashing_paths:
            return self.pages
        return self.known if self.is_known(request.headers.get("COOKIE", "")) else self.strangers

    def shutdown(self) -> None:
        for queue in (self.strangers, self.known, self.pages):
            queue.shutdown(timeout=0.5)


def _path(request: Request) -> str:
    """Where it goes: to the application all slashes at the beginning are one."""
    path: str = request.path
    return "/" + path.lstrip("/")


class PatientWorker(Worker):
    """One process: a loop for all connections, and threads for requests that are here as a whole."""

    alive: bool

    def run(self) -> None:
        self.connections: dict[int, Any] = {}
        _allow_files(2 * limits.WEB_CONNECTIONS)
        sys.setswitchinterval(limits.WEB_THREADS_TAKE_TURNS.total_seconds())
        self.queues = Queues(self.cfg.threads)
        self.servers = [self._server(each.sock) for each in self.sockets]
        while self.alive and self.ppid == os.getppid():
            self._turn()
        self._finish()

    def handle_exit(self, sig: int, frame: Any) -> None:
        """SIGTERM: the loop wakes up and ends."""
        super().handle_exit(sig, frame)
        for server in getattr(self, "servers", []):
            server.pull_trigger()

    def served(self, task: Task, took: Any) -> None:
        """Count a request, and write its line."""
        self.nr += 1
        if self.nr >= self.max_requests and self.alive:
            self.log.info("Autorestarting worker after current request.")
            self.alive = False
        sent = task.sent or task.content_length or 0  # a file's bytes are handed over unread
        answer = SimpleNamespace(status=task.status, sent=sent, headers=task.response_headers)
        environ = task.get_environment()
        environ.setdefault("RAW_URI", environ["REQUEST_URI"])
        self.log.access(answer, SimpleNamespace(headers=[]), environ, took)

    def _server(self, listener: socket.socket) -> Any:
        kind = UnixServer if listener.family == socket.AF_UNIX else TcpServer
        about = (listener.family, listener.type, listener.proto, listener.getsockname())
        server = kind(
            self.wsgi,
            self.connections,
            True,
            listener,
            dispatcher=self.queues,
            adj=_adjustments(self.cfg),
            sockinfo=about,
            bind_socket=False,
        )
        server.worker = self
        return server

    def _turn(self) -> None:
        self.notify()
        wasyncore.poll2(LOOK, self.connections)

    def _finish(self) -> None:
        """No new connections; what has arrived is answered, for as long as gunicorn's `graceful_timeout`."""
        for server in self.servers:
            server.del_channel()
            server.socket.close()
        ends, busy = time.monotonic() + self.cfg.graceful_timeout, True
        while busy and time.monotonic() < ends:
            self.notify()
            wasyncore.poll2(0.05, self.connections)  # before the first look too: something may wait to be read
            busy = self._close_idle()
        self.queues.shutdown()

    def _close_idle(self) -> bool:
        """Whether some connection still has a request or an answer on its way; the others are closed."""
        channels = [each for each in self.connections.values() if isinstance(each, Channel)]
        idle = [each for each in channels if not each.is_busy()]
        for channel in idle:
            channel.handle_close()
        return len(idle) < len(channels)


def _adjustments(cfg: Any) -> Adjustments:
    return Adjustments(
        ident="portal",  # in the header Server: no version
        connection_limit=limits.WEB_CONNECTIONS,
        cleanup_interval=LOOK,
        max_request_header_size=limits.WEB_LARGEST_HEAD,
        max_request_body_size=limits.WEB_LARGEST_BODY,
        backlog=cfg.backlog,
        clear_untrusted_proxy_headers=False,  # which are believed is TRUSTED_PROXIES' business
        log_socket_errors=False,  # a client that went away is no error of ours
    )


def _allow_files(wanted: int) -> None:
    """As many open files as connections need, where the system lets us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
