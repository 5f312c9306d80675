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
from mail.server import Answer, Server
from mail.verdicts import Result

log = logging.getLogger(__name__)

# Prefixes of `last_error`: the error is the server's, not the letter's; the server refused by a rule, and nobody knows
# yet whether it would take another letter of ours.
_TROUBLE, _RULE = "server: ", "rule: "


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
    """Claimed letters and one connection for them. `trouble`: why the rest is not sent now; empty: there is none.
    `held`: refused by a rule that may be against this letter or against all of ours; weighed at the end, when it is
    known whether another went."""

    def __init__(self, letters: list[Letter]) -> None:
        self.letters = letters
        self.ends = time.monotonic() + limits.MAIL_BATCH_TIME.total_seconds()
        self.drops, self.went, self.turned_away, self.trouble, self.busy = 0, False, "", "", False
        self.held: list[tuple[Letter, Answer]] = []

    def send(self) -> bool:
        """Send one letter after the other. False: the server is in trouble."""
        with Server() as server:
            for letter in self.letters:
                self._handle(letter, server)
        for letter, answer in self.held:
            self._weigh(letter, answer)
        if self.turned_away or (self.trouble and not self.busy):
            alarms.sound(AlarmCode.SERVER, detail=self.trouble or self.turned_away)
        elif self.went and not self.trouble:
            alarms.clear(AlarmCode.SERVER)
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
        self.drops = self.drops + 1 if result in (Result.DROPPED, Result.DOUBT) else 0
        match result:
            case Result.SENT:
                self.went = True
                _finish(letter, LetterState.SENT, sent_at=timezone.now(), last_error="")
            case Result.REFUSED:
                _refuse(letter, detail)
            case Result.POLICY | Result.TURNED_AWAY:
                self.held.append((letter, answer))
            case Result.BUSY | Result.UNREACHABLE:
                # A server that is busy for as long as all the pauses together is out of order.
                most = max(waiting.attempts for waiting in self.letters)
                self.busy = result is Result.BUSY and most <= len(limits.MAIL_RETRIES)
                self.trouble = detail
                _put_off(letter, _TROUBLE + detail)
            case _:
                _put_off(letter, detail)
        if self.drops >= limits.MAIL_DROPS:
            self.trouble = detail

    def _weigh(self, letter: Letter, answer: Answer) -> None:
        """A refusal by a rule: it is this recipient's if the server takes other letters of ours, or if it refused this
        one alone time after time. Else it is the server's, or our account's, and every letter waits.

        Words that name us are believed to be about this recipient only after several tries: behind one name there may
        be two servers, of which one has forgotten us."""
        detail, names_us = answer.detail, answer.result is Result.TURNED_AWAY
        if self.went or _others_went(letter):
            lasting = answer.lasting and (not names_us or letter.attempts >= limits.MAIL_REFUSALS)
            _refuse(letter, detail) if lasting else _put_off(letter, detail)
        elif names_us or self._refused() >= limits.MAIL_REFUSED_ALL:
            self.turned_away = detail
            _put_off(letter, _TROUBLE + detail)
        elif letter.attempts >= limits.MAIL_REFUSALS:
            _refuse(letter, detail)
        else:
            _put_off(letter, _RULE + detail)

    def _refused(self) -> int:
        """How many recipients are refused by rules, or wait for the server, as far as anybody knows."""
        waiting = Letter.objects.filter(final_at__isnull=True)
        marked = waiting.filter(Q(last_error__startswith=_TROUBLE) | Q(last_error__startswith=_RULE))
        here = {letter.to for letter, _ in self.held}
        return len(here) + marked.exclude(to__in=here).values("to").distinct().count()


def _begin(letter: Letter) -> bool:
    """Record that a send begins. False: the lease is no longer ours."""
    ours = Letter.objects.filter(pk=letter.pk, lease=letter.lease)
    return bool(ours.update(state=LetterState.SENDING))


def _has_expired(letter: Letter) -> bool:
    return letter.expires_at is not None and timezone.now() >= letter.expires_at


def _others_went(letter: Letter) -> bool:
    """Whether the server took a letter to somebody else while this one waited."""
    taken = Letter.objects.filter(state=LetterState.SENT, final_at__gt=letter.created_at)
    return taken.exclude(to=letter.to).exists()


def _refuse(letter: Letter, detail: str) -> None:
    log.warning("letter %s is refused for good (%s)", letter.pk, detail)
    _finish(letter, LetterState.FAILED, last_error=detail)


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
