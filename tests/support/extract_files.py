"""Files of the civil registry's extract: lines that are good but for what a test changes, and loading them."""

from __future__ import annotations

import io

from identity import extracts, services

HEADER = (
    "national_id,first_name,last_name,birth_date,gender,birth_certificate_number,birth_certificate_series,"
    "birth_certificate_serial,deceased"
)
GOOD = {
    "national_id": "0012345679",
    "first_name": "رضا",
    "last_name": "کریمی",
    "birth_date": "1370/05/17",
    "gender": "male",
    "birth_certificate_number": "1254",
    "birth_certificate_series": "الف12",
    "birth_certificate_serial": "345678",
    "deceased": "0",
}


def line(**changes: str) -> str:
    return ",".join((GOOD | changes).values())


def civil(*lines: str, skip_bad: bool = False) -> extracts.LoadReport:
    text = "\n".join((HEADER, *lines)) + "\n"
    return services.load_civil_registry(source=io.BytesIO(text.encode()), skip_bad=skip_bad)
