"""Sentences of the loading commands: one for each refusal, and for each reason why a line is bad."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.sentences import Sentences, in_digits, when_read
from identity.extract_rows import LONGEST_NAME, BadLine
from identity.extracts import LoadReport

_REASONS = {
    "required": gettext_lazy("is empty"),
    "length": gettext_lazy("is not ten digits (spreadsheets drop leading zeros)"),
    "checksum": gettext_lazy("is not a possible national ID: the check digit is wrong"),
    "equal_digits": gettext_lazy("is not a possible national ID: its digits are all the same"),
    "repeated": gettext_lazy("was already given on an earlier line"),
    "name": gettext_lazy("holds no letter, or a control character"),
    "name_too_long": when_read(
        lambda: _("is longer than %(longest)s characters") % {"longest": in_digits(LONGEST_NAME)}
    ),
    "date": gettext_lazy("is not a Jalali date like 1370/05/17"),
    "year": gettext_lazy("has an impossible year"),
    "gregorian": gettext_lazy("is a Gregorian date; a Jalali date like 1370/05/17 is needed"),
    "future": gettext_lazy("lies in the future"),
    "gender": gettext_lazy("is neither female nor male"),
    "certificate": gettext_lazy("is not a number of at most ten digits"),
    "series": gettext_lazy("is not a letter or number followed by exactly two digits"),
    "series_letter": gettext_lazy("does not begin with a series letter or a number from 1 to 11"),
    "serial": gettext_lazy("is not a number of at most six digits"),
    "flag": gettext_lazy("is neither 0 nor 1"),
    "mobile": gettext_lazy("is not a mobile number"),
    "landline": gettext_lazy("is a landline number, not a mobile"),
    "foreign": gettext_lazy("is not an Iranian mobile number"),
    "line_too_long": gettext_lazy("the line is too long"),
    "not_utf8": gettext_lazy("the line is not UTF-8 text"),
    "not_csv": gettext_lazy("a quotation mark is not closed"),
    "cell_count": gettext_lazy("the line does not have as many cells as the header"),
}


def bad_line(bad: BadLine) -> str:
    """`line 7, birth_date: lies in the future`: the place and the reason."""
    reason = _REASONS[bad.reason]
    if not bad.column:
        return _("line %(number)d: %(reason)s") % {"number": bad.number, "reason": reason}
    return _("line %(number)d, %(column)s: %(reason)s") % {
        "number": bad.number,
        "column": bad.column,
        "reason": reason,
    }


def bad_lines(report: LoadReport) -> list[str]:
    """The bad lines that are listed, and how many more there are."""
    sentences = [bad_line(bad) for bad in report.bad_lines]
    if unnamed := report.bad_count - len(report.bad_lines):
        sentences.append(_("and %(count)d more bad lines") % {"count": unnamed})
    return sentences


def loaded(report: LoadReport) -> str:
    """The sentence for a load that is in use now."""
    changes = report.changes
    return _(
        "%(loaded)d lines loaded, %(skipped)d skipped; the new extract is in use. "
        "Against the one before: %(added)d added, %(changed)d changed, %(gone)d gone."
    ) % {
        "loaded": report.loaded,
        "skipped": report.bad_count,
        "added": changes.added,
        "changed": changes.changed,
        "gone": changes.gone,
    }


def _header(*, columns: Sequence[str], **wrong: list[str]) -> str:
    parts = {
        "missing": _("missing: %(columns)s"),
        "unknown": _("unknown: %(columns)s"),
        "repeated": _("repeated: %(columns)s"),
    }
    named = (
        part % {"columns": ", ".join(name or '""' for name in wrong[kind])}
        for kind, part in parts.items()
        if wrong[kind]
    )
    return _("Nothing loaded: the first line must name exactly the columns %(columns)s (%(wrong)s).") % {
        "columns": ", ".join(columns),
        "wrong": "; ".join(named),
    }


def _bad_lines(*, report: LoadReport) -> str:
    return _("Nothing loaded: %(count)d bad lines. Mend them, or leave them out with --skip-bad.") % {
        "count": report.bad_count
    }


def _unreadable(*, after_line: int) -> str:
    return _("Nothing loaded: the file cannot be read after line %(after_line)d.") % {"after_line": after_line}


# Why nothing was loaded: the errors that `identity.extracts.load` raises, and a load that was stopped by hand.
SENTENCES: dict[str, Any] = {
    "extract_header": _header,
    "extract_unreadable": _unreadable,
    "extract_abandoned": gettext_lazy(
        "Nothing loaded: the load stood still for too long and was given up. Start it again."
    ),
    "extract_database": gettext_lazy(
        "Nothing loaded: the database failed (%(why)s). The extract that was in use still is."
    ),
    "extract_file_empty": gettext_lazy("Nothing loaded: the file is empty."),
    "extract_empty": gettext_lazy(
        "Nothing loaded: the file has no good line, and an empty extract would refuse everybody."
    ),
    "extract_bad_lines": _bad_lines,
    "interrupted": gettext_lazy("Nothing loaded: stopped before the end. The extract that was in use still is."),
}
sentence = Sentences(SENTENCES)
