"""Logs carry no national ID, mobile, code or name, and no receipt URL: filters take them out."""

from __future__ import annotations

import logging
import re

# Six digits or more in a row (any script, separators allowed) are a code, a mobile or an ID.
_NUMBERS = re.compile(r"(?<![\w.])\+?\d(?:[ \-]?\d){5,}(?!\w)")
# PostgreSQL puts the whole failing row into DETAIL, and its parameters into CONTEXT.
_ROW_VALUES = re.compile(r"^(?:DETAIL|CONTEXT|.*\bFailing row contains).*$", re.MULTILINE)
# The token in a receipt's path is a gateway's only proof, and its query may hold a number.
RECEIPTS = "/sms/receipts/"
_RECEIPT_PATHS = re.compile(re.escape(RECEIPTS) + r"[^\s\"']*")
_formatter = logging.Formatter()


def scrub(text: str) -> str:
    """`text` without long numbers, database row values, receipt URLs and the query part of paths."""
    text = _RECEIPT_PATHS.sub(RECEIPTS + "…", text)
    text = _ROW_VALUES.sub("[row values removed]", text)
    text = re.sub(r"\?[^\s\"']*", "?…", text)
    return _NUMBERS.sub("[number]", text)


class NoPersonalData(logging.Filter):
    """Rewrites a record's message and traceback through `scrub`."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = scrub(record.getMessage()), None
        if record.exc_info and not record.exc_text:
            record.exc_text = _formatter.formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = scrub(record.exc_text)
        return True


class NoReceipts(logging.Filter):
    """For an access log: requests of gateways leave no line at all."""

    def filter(self, record: logging.LogRecord) -> bool:
        path = record.args.get("U") if isinstance(record.args, dict) else None
        return not str(path or record.getMessage()).startswith(RECEIPTS)
