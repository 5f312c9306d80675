"""Step three's fields: `{% field %}` against Django's own widget templates, as a ratio in one run.

    .venv/bin/python benchmarks/fields.py

Both render the same bound form, the cities' select included, in turn, so that a busy machine slows
both. Needs no database.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

from common.templatetags.fields import field  # noqa: E402
from registration.forms.parts import ContactForm, PartForm, PersonForm  # noqa: E402
from registration.models import Registration  # noqa: E402

ROUNDS = 30


def forms() -> list[PartForm]:
    typed = {"identity-last_name": "کریمی"}
    return [form(typed, registration=Registration(), prefix="identity") for form in (PersonForm, ContactForm)]


def ours() -> None:
    for form in forms():
        for bound in form:
            field(bound)


def djangos() -> None:
    for form in forms():
        for bound in form:
            str(bound.as_field_group())


def seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    ours(), djangos()  # templates are compiled, choices translated
    rounds = [(seconds(ours), seconds(djangos)) for _ in range(ROUNDS)]
    ratios = sorted(theirs / mine for mine, theirs in rounds)
    fastest = min(mine for mine, _ in rounds), min(theirs for _, theirs in rounds)
    print(f"ours {fastest[0] * 1000:.1f} ms, Django's {fastest[1] * 1000:.1f} ms (fastest of {ROUNDS})")
    print(f"Django's / ours: median {ratios[ROUNDS // 2]:.1f}, from {ratios[0]:.1f} to {ratios[-1]:.1f}")


if __name__ == "__main__":
    main()
