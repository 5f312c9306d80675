"""A claim, and the record of a registry that says the same about this person."""

from __future__ import annotations

import datetime as dt

from identity.person import Claim, PersonRecord

CLAIM = Claim(
    national_id="0012345679",
    mobile="+989121234567",
    first_name="رضا",
    last_name="کریمی",
    birth_date=dt.date(1991, 8, 8),
    gender="male",
    certificate_number="1254",
    series_letter="الف",
    series_number="05",
    certificate_serial="001234",
)
RECORD = PersonRecord(
    first_name="رضا",
    last_name="کریمی",
    birth_date=dt.date(1991, 8, 8),
    gender="male",
    certificate_number="1254",
    series_letter="الف",
    series_number="05",
    certificate_serial="001234",
)
