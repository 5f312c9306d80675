"""Sentences of the loading commands: one for each refusal, and for each reason why a line is bad."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.sentences import Sentences, in_digits, when_read
from identity.extract_cells import LONGEST_NAME
from identity.extract_rows import BadLine
from identity.extracts import LoadReport

_REASONS = {
    "required": gettext_lazy("is empty"),
    "length": gettext_lazy("is not ten digits"),
    "lost_zeros": gettext_lazy("has lost the zeros at its beginning"),
    "decimal": gettext_lazy("is written as a decimal number"),
    "scientific": gettext_lazy("is shortened to a power of ten; its last digits are lost"),
    "damaged": gettext_lazy("has lost letters: it was saved in an encoding that does not have them"),
    "checksum": gettext_lazy("is not a possible national ID: the check digit is wrong"),
    "equal_digits": gettext_lazy("is not a possible national ID: its digits are all the same"),
    "repeated": gettext_lazy("was already given on an earlier line"),
    "name": gettext_lazy("holds no Persian letter, or a control character"),
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
    "windows_1256": gettext_lazy("the line is in Windows-1256, not in UTF-8"),
    "not_csv": gettext_lazy("a quotation mark is not closed; a line break inside quotes is not possible"),
    "line_end": gettext_lazy("holds an end of line in its middle"),
    "one_cell": gettext_lazy("the whole line stands in quotes"),
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


_SAVE_AS_TEXT = gettext_lazy("Save the table as “CSV UTF-8 (Comma delimited)” where it was made, and load that file.")
_CONVERT = gettext_lazy(
    "Convert the file with “iconv -f WINDOWS-1256 -t UTF-8”. Or save the table as “CSV UTF-8 (Comma delimited)” where "
    "it was made."
)
_NUMBERS_AS_TEXT = gettext_lazy(
    "A spreadsheet took numbers for amounts. Load the file as it came from its source, without opening it there; or "
    "import it anew with all columns as “Text”, then save it as “CSV UTF-8 (Comma delimited)”."
)
_ANEW_FROM_THE_SOURCE = gettext_lazy(
    "The letters cannot be brought back from this file: have it made anew from its source, in UTF-8."
)
# How to save a file rightly whose first bad line has one of these reasons.
_REMEDIES = {
    "windows_1256": _CONVERT,
    "not_utf8": _SAVE_AS_TEXT,
    "one_cell": _SAVE_AS_TEXT,
    "line_end": _SAVE_AS_TEXT,
    "lost_zeros": _NUMBERS_AS_TEXT,
    "decimal": _NUMBERS_AS_TEXT,
    "scientific": _NUMBERS_AS_TEXT,
    "damaged": _ANEW_FROM_THE_SOURCE,
}


def _bad_lines(*, report: LoadReport) -> str:
    said = _("Nothing loaded: %(count)d bad lines. Mend them, or leave them out with --skip-bad.") % {
        "count": report.bad_count
    }
    remedies = dict.fromkeys(_REMEDIES[bad.reason] for bad in report.bad_lines if bad.reason in _REMEDIES)
    return " ".join([said, *map(str, remedies)])


_KINDS = {
    "spreadsheet": gettext_lazy("Nothing loaded: the file is a workbook of Excel or a zip archive, not a CSV file."),
    "compressed": gettext_lazy("Nothing loaded: the file is compressed, but not by gzip alone. Unpack it first."),
    "web_page": gettext_lazy("Nothing loaded: the file is a web page or XML, not a CSV file, whatever it is called."),
    "no_text": gettext_lazy("Nothing loaded: the file is no text, but a document, a picture or a database."),
}


def _kind(*, kind: str) -> str:
    return f"{_KINDS[kind]} {_SAVE_AS_TEXT}" if kind in ("spreadsheet", "web_page") else str(_KINDS[kind])


def _unreadable(*, after_line: int) -> str:
    return _("Nothing loaded: the file cannot be read after line %(after_line)d.") % {"after_line": after_line}


# Why nothing was loaded: the errors that `identity.extracts.load` raises, and a load that was stopped by hand.
SENTENCES: dict[str, Any] = {
    "extract_kind": _kind,
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
