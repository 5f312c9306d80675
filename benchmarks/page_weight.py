"""What compressing costs the web: each step of the registration, rendered and rendered and compressed, in turn.

    .venv/bin/python benchmarks/page_weight.py

A step is its template with an empty form: no database is asked, so a real page costs more, and the ratio is at its
worst.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.shortcuts import render  # noqa: E402
from django.test import RequestFactory  # noqa: E402
from formtools.wizard.forms import ManagementForm  # noqa: E402

from registration.forms.parts import ContactForm, PersonForm  # noqa: E402
from registration.forms.steps import CodeForm, MobileForm  # noqa: E402
from tamin_portal.middleware import CompressedPages  # noqa: E402

ROUNDS = 100
PERSON = SimpleNamespace(national_id="0012345679", mobile="+989121234567")
STEPS: dict[str, Callable[[HttpRequest], HttpResponse]] = {
    "step one": lambda request: page(request, "mobile", MobileForm(prefix="mobile")),
    "step two": lambda request: page(request, "code", CodeForm(prefix="code"), masked_mobile="0912•••4567"),
    "certificate": lambda request: page(
        request, "identity", PersonForm(prefix="identity", registration=PERSON), registration=PERSON
    ),
    "contact": lambda request: page(
        request, "contact", ContactForm(prefix="contact", registration=PERSON), registration=PERSON
    ),
}


def page(request: HttpRequest, name: str, form: object, **more: object) -> HttpResponse:
    context = {
        "form": form,
        "wizard": {"form": form, "management_form": ManagementForm(prefix="registration_wizard")},
        **more,
    }
    return render(request, f"registration/step_{name}.html", context)


def seconds(answer: Callable[[HttpRequest], HttpResponse], request: HttpRequest) -> float:
    began = time.process_time()
    answer(request)
    return time.process_time() - began


def main() -> None:
    request = RequestFactory().get("/portal/registration", HTTP_ACCEPT_ENCODING="gzip")
    for name, plain in STEPS.items():
        packed = CompressedPages(plain)
        whole, sent = len(plain(request).content), len(packed(request).content)
        rounds = [(seconds(plain, request), seconds(packed, request)) for _ in range(ROUNDS)]
        ratio = statistics.median(after / before for before, after in rounds)
        fastest = min(before for before, _ in rounds) * 1000, min(after for _, after in rounds) * 1000
        print(
            f"{name:10} {whole:6} → {sent:5} bytes   {fastest[0]:5.2f} → {fastest[1]:5.2f} ms of CPU"
            f" (fastest of {ROUNDS})   with / without: median {ratio:.2f}"
        )


if __name__ == "__main__":
    main()
