"""Removes personal data and secrets from logs: national IDs, mobiles, e-mail addresses, codes, names, secret URLs."""

from __future__ import annotations

import logging
import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.urls import Resolver404, resolve

# Six digits or more in a row (any script, separators allowed) may be a code, a mobile or an ID, whatever
# stands before and after. An IP address is kept: "10.0.0.12:5432 17 ms".
_ADDRESS_OR_NUMBER = re.compile(
    r"(?P<address>[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?::[0-9]{1,5})?(?!\d))|\+?\d(?:[ \-]?\d){5,}"
)
_EMAIL = re.compile(r"[\w.+%-]{1,64}@(?:[\w-]+\.)+[\w-]+")
# PostgreSQL puts the whole failing row into DETAIL, and its parameters into CONTEXT.
_ROW_VALUES = re.compile(r"^(?:DETAIL|CONTEXT|.*\bFailing row contains).*$", re.MULTILINE)
_METHODS = {"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"}
# Messages of gunicorn and waitress that quote what a client sent → what is logged instead.
_COMPLAINTS = {
    "Client disconnected while serving": "A client went away before its answer was ready.",
    "Exception while serving": "A request ended in an error.",
    "Invalid request from ip=": "A request that is not HTTP was refused.",
    "Error handling request": "A request ended in an error.",
}
# The token in a receipt's path is a gateway's only proof, and its query may hold a number.
RECEIPTS = "/sms/receipts/"
# Links that were sent to one person are secret too: "not me" by SMS, an address to be confirmed by e-mail.
_SECRET_PATHS = re.compile(rf"({RECEIPTS}|/portal/not-me/|/portal/email/)[^\s\"']*")
_formatter = logging.Formatter()
ZONE = ZoneInfo("Asia/Tehran")


def scrub(text: str) -> str:
    """`text` without long numbers, e-mail addresses, database row values, secret URLs and query strings."""
    text = _SECRET_PATHS.sub(r"\1…", text)
    text = _ROW_VALUES.sub("[row values removed]", text)
    text = _EMAIL.sub("[e-mail]", text)
    text = re.sub(r"\?[^\s\"']*", "?…", text)
    return _ADDRESS_OR_NUMBER.sub(lambda found: found["address"] or "[number]", text)


def shown_path(path: str) -> str:
    """The route of `path`, with "…" for its variable parts; "/…" if it is not ours.

    People type anything after a slash, even their names.
    """
    if path.startswith(settings.STATIC_URL):
        return f"{settings.STATIC_URL}…"
    try:
        route = resolve(path).route
    except Resolver404:
        return "/…"
    return "/" + re.sub(r"<[^>]*>|\(.*", "…", route)


class LineFormatter(logging.Formatter):
    """Formats each log line: time (ISO 8601 with the offset of `ZONE`), level, logger, message.

    The time zone does not depend on the machine or the container, so that lines of two processes can be compared.
    """

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        return datetime.fromtimestamp(record.created, ZONE).isoformat(timespec="milliseconds")


class NoPersonalData(logging.Filter):
    """A filter that rewrites a record's message and traceback: our own words for what quotes a client, then `scrub`."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.args = _without_the_request(record)
        message = record.getMessage()
        if record.name in ("gunicorn.error", "waitress"):
            message = next((ours for theirs, ours in _COMPLAINTS.items() if message.startswith(theirs)), message)
        record.msg, record.args = scrub(message), None
        if record.exc_info and not record.exc_text:
            record.exc_text = _formatter.formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = scrub(record.exc_text)
        return True


def _without_the_request(record: logging.LogRecord) -> Any:
    """The record's values, with method and path replaced by what we know of them: of gunicorn's access line, or of
    Django's message about a request."""
    if record.name == "gunicorn.access" and isinstance(record.args, dict):
        method = record.args["m"] if record.args["m"] in _METHODS else "…"
        return record.args | {"m": method, "U": shown_path(str(record.args["U"]))}
    path = getattr(getattr(record, "request", None), "path", None)
    if isinstance(path, str) and isinstance(record.args, tuple):
        escaped = path.encode("unicode_escape").decode()  # as Django logs it
        return tuple(shown_path(path) if value in (path, escaped) else value for value in record.args)
    return record.args


class NoReceipts(logging.Filter):
    """A filter for an access log: drops requests to the receipt URL, which contains a token."""

    def filter(self, record: logging.LogRecord) -> bool:
        path = record.args.get("U") if isinstance(record.args, dict) else None
        return not str(path or record.getMessage()).startswith(RECEIPTS)
