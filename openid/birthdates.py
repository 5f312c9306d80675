"""A birth date as services get it, where a certificate may say only the month or the year, and says it in Jalali."""

from __future__ import annotations

import datetime as dt

from common.persian import jalali_parts, jalali_to_date

_LAST_MONTH = 12


def birthdate(first_day: dt.date | None, unknown: str) -> str:
    """`YYYY-MM-DD`; where only the Jalali month is known, `YYYY` if all of it lies in one Gregorian year; else "".

    OpenID Connect has no form for a Jalali month or year, and its `YYYY` would be a wrong year for some of the people:
    a Jalali year lies in two Gregorian ones. `unknown` is "", "day" or "month", as on the account.
    """
    if first_day is None or unknown == "month":
        return ""
    if not unknown:
        return first_day.isoformat()
    return f"{first_day:%Y}" if _last_day(first_day).year == first_day.year else ""


def birthdate_jalali(first_day: dt.date | None, unknown: str) -> str:
    """What the certificate says, no more and no less: `1370-05-17`, `1370-05` or `1370`; "" if there is none."""
    if first_day is None:
        return ""
    year, month, day = jalali_parts(first_day)
    return f"{year:04}" + ("" if unknown == "month" else f"-{month:02}") + ("" if unknown else f"-{day:02}")


def _last_day(first_day: dt.date) -> dt.date:
    """Of the Jalali month that begins on `first_day`."""
    year, month, _day = jalali_parts(first_day)
    begins = (year + 1, 1) if month == _LAST_MONTH else (year, month + 1)
    return jalali_to_date(*begins, 1) - dt.timedelta(days=1)
