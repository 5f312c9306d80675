"""Sends queued e-mail: claims letters, passes them to the mail server, writes the answers, until nothing is due.

The server is called outside any transaction, and its answer is written only while the lease is still ours
(compare-and-set). If a worker is killed during a send, the letter stays in state sending and is sent again when the
lease is over, with the same Message-ID. So a letter may arrive twice but is never lost: it may tell its reader that a
stranger changed the password. Nothing here logs an address or a text.

Any number of drains may run; `mail.tasks` runs one at a time in a process.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime

from django.db.models import Q
from django.utils import timezone

import mail
from common import alarms, backoff, leases, limits
from common.models import AlarmCode
from mail.models import Letter, LetterState
from mail.server import Answer, Result, Server

log = logging.getLogger(__name__)

_TROUBLE = "server: "  # prefix of `last_error` if the error is the server's, not the letter's


def drain(*, seconds: float = 30) -> int:
    """Send until nothing is due, `seconds` have passed or the server is in trouble; returns how many letters were
    claimed. With nothing due it costs one statement. Must not run inside a transaction."""
    leases.refuse_inside_transaction()
    if not mail.is_configured():
        _give_up_waiting()
        return 0
    ends, total, well = time.monotonic() + seconds, 0, True
    while well and time.monotonic() < ends:
        letters = leases.claim(Letter, limit=limits.MAIL_BATCH, lease_for=limits.MAIL_LEASE)
        if not letters:
            break
        well = _Batch(letters).send()
        total += len(letters)
    return total


def scrub(*, before: datetime, dry_run: bool = False) -> int:
    """Blank the subjects and texts of letters that were final before `before`; returns how many."""
    final = Letter.objects.filter(final_at__lt=before).exclude(subject="", text="", html="")
    return final.count() if dry_run else final.update(subject="", text="", html="")


def purge(*, before: datetime, dry_run: bool = False) -> int:
    """Delete letters from before `before`; returns how many."""
    old = Letter.objects.filter(created_at__lt=before)
    return old.count() if dry_run else old.delete()[0]


class _Batch:
    """Claimed letters and one connection for them. `trouble`: why the rest is not sent now; empty: there is none."""

    def __init__(self, letters: list[Letter]) -> None:
        self.letters = letters
        self.ends = time.monotonic() + limits.MAIL_BATCH_TIME.total_seconds()
        self.drops, self.went, self.turned_away, self.trouble = 0, False, "", ""

    def send(self) -> bool:
        """Send one letter. False: the server is in trouble."""
        with Server() as server:
            for letter in self.letters:
                self._handle(letter, server)
        if self.trouble or self.turned_away:
            alarms.sound(AlarmCode.SERVER, detail=self.trouble or self.turned_away)
        elif self.went and alarms.clear(AlarmCode.SERVER):
            _let_go()
        return not self.trouble

    def _handle(self, letter: Letter, server: Server) -> None:
        if self.trouble:
            _put_off(letter, _TROUBLE + self.trouble)
        elif _has_expired(letter):
            _finish(letter, LetterState.EXPIRED)
        elif time.monotonic() >= self.ends:
            _give_back(letter)
        elif _begin(letter):
            self._hear(letter, server.deliver(letter))

    def _hear(self, letter: Letter, answer: Answer) -> None:
        result, detail = answer.result, answer.detail
        self.drops = self.drops + 1 if result is Result.DROPPED else 0
        match result:
            case Result.SENT:
                self.went = True
                _finish(letter, LetterState.SENT, sent_at=timezone.now(), last_error="")
            case Result.REFUSED:
                log.warning("letter %s is refused for good (%s)", letter.pk, detail)
                _finish(letter, LetterState.FAILED, last_error=detail)
            case Result.LATER | Result.DROPPED:
                _put_off(letter, detail)
            case Result.TURNED_AWAY:
                self.turned_away = detail
                _put_off(letter, _TROUBLE + detail)
            case Result.UNREACHABLE:
                self.trouble = detail
                _put_off(letter, _TROUBLE + detail)
        if self.drops >= limits.MAIL_DROPS:
            self.trouble = detail


def _begin(letter: Letter) -> bool:
    """Record that a send begins. False: the lease is no longer ours."""
    ours = Letter.objects.filter(pk=letter.pk, lease=letter.lease)
    return bool(ours.update(state=LetterState.SENDING))


def _has_expired(letter: Letter) -> bool:
    return letter.expires_at is not None and timezone.now() >= letter.expires_at


def _put_off(letter: Letter, detail: str) -> None:
    """Plan the next try after a pause that grows, or end the letter if its time is over."""
    now = timezone.now()
    if now >= letter.created_at + limits.MAIL_GIVE_UP:
        if _finish(letter, LetterState.FAILED, last_error=detail):
            log.error("letter %s given up after %s attempts (%s)", letter.pk, letter.attempts, detail)
            alarms.sound(AlarmCode.LETTER_GIVEN_UP, detail=f"letter {letter.pk}: {detail}")
        return
    again = now + backoff.listed(letter.attempts, limits.MAIL_RETRIES)
    again = min(again, letter.expires_at or again)
    leases.settle(letter, state=LetterState.QUEUED, last_error=detail, next_attempt_at=again)


def _give_back(letter: Letter) -> None:
    """Make a letter that was not tried due again."""
    leases.settle(letter, attempts=letter.attempts - 1, next_attempt_at=timezone.now())


def _finish(letter: Letter, state: LetterState, **changes: object) -> bool:
    return leases.settle(letter, state=state, final_at=timezone.now(), **changes)


def _let_go() -> None:
    """The server works again: make letters due that waited only because of its trouble."""
    leases.bring_forward(Letter.objects.filter(last_error__startswith=_TROUBLE))


def _give_up_waiting() -> None:
    """No mail server is set. Letters wait for one, but those that are too old are given up."""
    now = timezone.now()
    over = Q(created_at__lte=now - limits.MAIL_GIVE_UP) | Q(expires_at__lte=now)
    waiting = Letter.objects.filter(over, final_at__isnull=True)
    changes = {"final_at": now, "next_attempt_at": None, "lease": None, "last_error": "no MAIL_URL"}
    waiting.update(state=LetterState.FAILED, **changes)
