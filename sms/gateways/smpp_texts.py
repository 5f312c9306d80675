"""What a submit_sm carries of a message: the parts of its text, and until when a queue may hold it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.utils import timezone
from smpplib import consts

from sms import parts
from sms.gateways.base import Sms

_QUARTER = timedelta(minutes=15)


def split(sms: Sms) -> tuple[list[bytes], int, int]:
    """The parts of the text, with data_coding and esm_class. Sent again, they have the same reference, so a phone that
    has some of them shows the message once."""
    latin, texts = parts.is_latin(sms.text), parts.split(sms.text)
    coding = consts.SMPP_ENCODING_DEFAULT if latin else consts.SMPP_ENCODING_ISO10646
    encoded = [parts.encode_latin(text) if latin else text.encode("utf-16-be", "replace") for text in texts]
    if len(encoded) == 1:
        return encoded, coding, consts.SMPP_MSGTYPE_DEFAULT
    header = b"\x05\x00\x03" + bytes([sms.key.int & 0xFF, len(encoded)])
    return [header + bytes([n]) + part for n, part in enumerate(encoded, 1)], coding, consts.SMPP_GSMFEAT_UDHI


# ── validity_period (SMPP 3.4, 7.1.1): YYMMDDhhmmsstnnp, where p is R for relative, or the sign of nn, the quarters of
# an hour by which the time is ahead of UTC.


def relative(until: datetime, now: datetime) -> str:
    """From when the gateway takes the message, in days, hours, minutes and seconds: right whatever its clock says."""
    left = max(round((until - now).total_seconds()), 1)
    days, left = divmod(left, 86_400)
    return f"0000{min(days, 99):02}{left // 3600:02}{left // 60 % 60:02}{left % 60:02}000R"


def absolute(until: datetime, now: datetime) -> str:
    """In the time of the settings (Tehran) with its distance from UTC: right also where the distance is not looked
    at."""
    local = timezone.localtime(until)
    ahead = local.utcoffset() or timedelta(0)
    if ahead % _QUARTER:  # an offset of old times
        local, ahead = until.astimezone(UTC), timedelta(0)
    sign = "-" if ahead < timedelta(0) else "+"
    return f"{local:%y%m%d%H%M%S}{local.microsecond // 100_000}{abs(ahead) // _QUARTER:02}{sign}"


def none(until: datetime, now: datetime) -> str:
    """The gateway's own validity."""
    return ""


VALIDITY: dict[str, Callable[[datetime, datetime], str]] = {"relative": relative, "absolute": absolute, "none": none}
