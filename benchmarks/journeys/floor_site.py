"""The floor: a bare Django project with five requests, two look-ups and one INSERT; no middleware, no templates.

HASHER=argon2: the password is hashed as the portal hashes it. `application` is for gunicorn.
"""

from __future__ import annotations

import os
from typing import Any

from benchmarks.providers import plain_project as plain

HASHER = os.environ.get("HASHER", "")

plain.set_up(
    INSTALLED_APPS=[],
    MIDDLEWARE=[],
    ROOT_URLCONF=__name__,
    DATABASES=plain.database(CONN_HEALTH_CHECKS=False),
    PASSWORD_HASHERS=[f"{plain.NAME}.Argon2"],
)

from django.contrib.auth.hashers import make_password  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import connection, models  # noqa: E402
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest  # noqa: E402
from django.urls import path  # noqa: E402

PAGE = "<!doctype html><form method=post><input name=national_id><input name=mobile><button>Go on</button></form>"
COLUMNS = ("national_id", "mobile", "first_name", "last_name", "certificate_number", "certificate_serial")
MORE = ("series_letter", "series_number", "gender", "country", "city", "email", "security_question")


class Person(models.Model):
    national_id = models.CharField(max_length=10, unique=True)
    mobile = models.CharField(max_length=13, unique=True)
    first_name = models.CharField(max_length=60)
    last_name = models.CharField(max_length=60)
    certificate_number = models.CharField(max_length=10)
    certificate_serial = models.CharField(max_length=6)
    series_letter = models.CharField(max_length=3)
    series_number = models.CharField(max_length=2)
    birth_date = models.CharField(max_length=10)
    gender = models.CharField(max_length=6)
    country = models.CharField(max_length=2)
    city = models.CharField(max_length=60)
    email = models.CharField(max_length=100)
    security_question = models.CharField(max_length=30)
    security_answer = models.CharField(max_length=200)
    password = models.CharField(max_length=200)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "floor"


def first(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(PAGE)


def mobile(request: HttpRequest) -> HttpResponse:
    if Person.objects.filter(national_id=request.POST["national_id"]).exists():
        return HttpResponseBadRequest("known")
    return HttpResponse(PAGE)


def code(request: HttpRequest) -> HttpResponse:
    if Person.objects.filter(mobile=request.POST["mobile"]).exists() or len(request.POST["code"]) != 6:
        return HttpResponseBadRequest("known")
    return HttpResponse(PAGE)


def identity(request: HttpRequest) -> HttpResponse:
    typed = request.POST
    birth = "/".join(typed[f"birth_{part}"] for part in ("year", "month", "day"))
    password = make_password(typed["password"]) if HASHER else typed["password"]
    own: dict[str, Any] = {name: typed[name] for name in (*COLUMNS, *MORE)}
    Person.objects.create(birth_date=birth, password=password, security_answer=typed["security_answer"], **own)
    return HttpResponse("done")


def done(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("done")


urlpatterns = [
    path("", first),
    path("mobile", mobile),
    path("code", code),
    path("identity", identity),
    path("done", done),
]

with connection.schema_editor() as _editor:
    _editor.create_model(Person)
connection.close()
application = get_wsgi_application()
