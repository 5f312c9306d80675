"""Finds the message of a receipt where a gateway writes its id otherwise than in the answer to the send, and learns how
it does.

The ways are `FORMS`, each for the id in a receipt's text and for that beside it. While a gateway's way is not known,
all are tried, and one is believed only if all of them together lead to a single id that was given to a message of this
gateway; else the receipt waits. What was found so teaches the way (`ReceiptHabits`); from then on no other is tried.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from django.db import transaction
from django.utils import timezone

from common import alarms, limits
from common.models import AlarmCode
from sms.gateways import base
from sms.models import Message, Part, ReceiptHabits

_LONGEST = 20  # digits of an id that is a number
_HEX = re.compile(r"(?:0x)?([0-9a-f]{1,20})", re.IGNORECASE)
_DECIMAL = re.compile(r"[0-9]{1,20}")
ENOUGH = 10  # receipts that teach, before a way is chosen,
SURE = 0.9  # if it explains such a share of them
RECENT = 100  # receipts that are looked at
_FEW = 20  # fewer say nothing
_TOO_MANY = 0.2  # the share of unmatched receipts that raises an alarm
_CHANGED = 0.5  # the share from which the way is learned anew


def _same(text: str) -> set[str]:
    return {text}


def _written(text: str) -> set[str]:
    """In another case, or with another number of leading noughts."""
    found = _padded(text) if _HEX.fullmatch(text) else {text}
    return {each for one in found for each in (one, one.lower(), one.upper())} - {text}


def _hex_answer(text: str) -> set[str]:
    """The answer was hexadecimal, the receipt is decimal."""
    if not _DECIMAL.fullmatch(text):
        return set()
    found = _padded(f"{int(text):x}")
    return found | {each.upper() for each in found}


def _hex_receipt(text: str) -> set[str]:
    """The answer was decimal, the receipt is hexadecimal."""
    digits = _HEX.fullmatch(text)
    return _padded(str(int(digits[1], 16))) if digits else set()


def _padded(text: str) -> set[str]:
    bare = text.lstrip("0") or "0"
    return {bare.zfill(width) for width in range(len(bare), _LONGEST + 1)}


_WAYS: dict[str, Callable[[str], set[str]]] = {
    "same": _same,
    "written": _written,
    "hex_answer": _hex_answer,
    "hex_receipt": _hex_receipt,
}
FORMS = tuple(f"{source}.{way}" for way in _WAYS for source in ("beside", "text"))  # the likeliest first


def candidates(ids: tuple[tuple[str, str], ...], form: str) -> set[str]:
    """The ids that an answer may have had; `ids`: source and text of each id in the receipt."""
    source, way = form.split(".")
    return {found for name, text in ids if name == source and text for found in _WAYS[way](text)}


@dataclass(slots=True)
class _Lesson:
    explained: Counter[str]
    seen: int = 0
    matched: str = ""  # of each receipt whether it had a message: 1 or 0


class Teacher:
    """What a batch of receipts teaches; `close` writes it."""

    def __init__(self) -> None:
        self._lessons: dict[str, _Lesson] = {}
        self._forms: dict[str, str] = {}

    def resolve(self, gateway: str, report: base.Receipt) -> base.Receipt | None:
        """`report` with the id as the answer had it; None if no single message can be meant."""
        if not report.ids:
            return report
        form = self._form(gateway)
        tried = {each: candidates(report.ids, each) for each in ((form,) if form else FORMS)}
        known = set(_known(gateway, set().union(*tried.values())))
        if len(known) != 1:
            return None
        if not form and not report.to:  # a phone may have written one with `to`
            lesson = self._lesson(gateway)
            lesson.seen += 1
            lesson.explained.update(each for each, ids in tried.items() if ids & known)
        return replace(report, provider_id=known.pop(), ids=())

    def note(self, gateway: str, *, matched: bool) -> None:
        """Count a receipt of `gateway` whose message was found, or was not found for a minute."""
        self._lesson(gateway).matched += "1" if matched else "0"

    def close(self) -> None:
        for gateway, lesson in self._lessons.items():
            with transaction.atomic():
                row, _ = ReceiptHabits.objects.select_for_update().get_or_create(gateway=gateway)
                _learn(row, lesson)
                row.save()
            _warn(row)

    def _form(self, gateway: str) -> str:
        if gateway not in self._forms:
            found = ReceiptHabits.objects.filter(gateway=gateway).values_list("form", flat=True).first() or ""
            self._forms[gateway] = found if found in FORMS else ""
        return self._forms[gateway]

    def _lesson(self, gateway: str) -> _Lesson:
        return self._lessons.setdefault(gateway, _Lesson(Counter()))


def _known(gateway: str, ids: set[str]) -> Iterator[str]:
    """Those of `ids` that messages or parts of this gateway have, of which a receipt can still come."""
    since = timezone.now() - limits.RECEIPT_WAIT
    messages = Message.objects.filter(gateway=gateway, provider_id__in=ids, sent_at__gt=since)
    yield from messages.values_list("provider_id", flat=True)
    parts = Part.objects.filter(gateway=gateway, provider_id__in=ids, message__sent_at__gt=since)
    yield from parts.values_list("provider_id", flat=True)


def _learn(row: ReceiptHabits, lesson: _Lesson) -> None:
    row.recent = (row.recent + lesson.matched)[-RECENT:]
    if not row.form:
        row.seen += lesson.seen
        row.explained = dict(Counter(row.explained) + lesson.explained)
        best = max(FORMS, key=lambda form: row.explained.get(form, 0))
        if row.seen >= ENOUGH and row.explained.get(best, 0) >= SURE * row.seen:
            row.form = best
    elif len(row.recent) == RECENT and row.unmatched >= _CHANGED * RECENT:
        row.form, row.seen, row.explained = "", 0, {}


def _warn(row: ReceiptHabits) -> None:
    count = len(row.recent)
    if count >= _FEW and row.unmatched > _TOO_MANY * count:
        alarms.sound(AlarmCode.RECEIPTS, row.gateway, f"{row.unmatched} of the last {count} match no message")
