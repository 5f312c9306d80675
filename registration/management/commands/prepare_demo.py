"""Make a demo ready to be tried, and say what to type. `make run` calls it before it serves."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.table import Table

from accounts.demo import ensure_services, ensure_staff
from accounts.models import User
from identity.demo_extract import load_if_empty
from identity.registries.demo import CITIZENS, DemoCitizen
from registration.models import Registration
from tamin_portal.installation import ensure_mode
from tamin_portal.startup import refuse_unsafe


class Command(BaseCommand):
    help = "In demo mode: stamp a fresh database, load what is made up, make the staff, print what to type."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--url", default="http://127.0.0.1:9090", help="where the portal will answer")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("This is not a demo (PORTAL_MODE): nothing was prepared.")
        ensure_mode(fresh=not User.objects.exists() and not Registration.objects.exists())
        refuse_unsafe()
        load_if_empty()
        ensure_services()
        username, password = ensure_staff(settings.PORTAL_HOME)
        url = options["url"].rstrip("/")
        self.stdout.write(as_text(citizens_table()))
        self.stdout.write(f"Register     {url}/portal/registration")
        self.stdout.write(f"SMS inbox    {url}/portal/inbox/     (the codes and results arrive here)")
        self.stdout.write(f"Branch desk  {url}/admin/            user name: {username}   password: {password}")


def as_text(table: Table) -> str:
    with io.StringIO() as text:
        Console(file=text, width=130).print(table)
        return text.getvalue()


def citizens_table() -> Table:
    """The demo citizens, one a column, so that each value stands on a line of its own with its field."""
    table = Table(title="Demo citizens: type these values exactly (any operator, e-mail, city)", show_header=False)
    table.add_column(no_wrap=True)
    for _ in CITIZENS:
        table.add_column(overflow="fold")
    for label, value in _FIELDS:
        table.add_row(label, *(value(citizen) for citizen in CITIZENS), end_section=label == "what happens")
    return table


_GENDERS = {"female": "زن", "male": "مرد"}
_FIELDS: tuple[tuple[str, Callable[[DemoCitizen], str]], ...] = (
    ("what happens", lambda citizen: citizen.story),
    ("کد ملی", lambda citizen: citizen.national_id),
    ("تلفن همراه", lambda citizen: citizen.mobile),
    ("نام", lambda citizen: citizen.first_name),
    ("نام خانوادگی", lambda citizen: citizen.last_name),
    ("شماره شناسنامه", lambda citizen: citizen.certificate_number),
    ("مسلسل شناسنامه", lambda citizen: citizen.certificate_serial),
    ("سری (حرف)", lambda citizen: citizen.series_letter),
    ("سری (عدد)", lambda citizen: citizen.series_number),
    ("تولد: سال/ماه/روز", lambda citizen: citizen.birth_date),
    ("جنسیت", lambda citizen: _GENDERS[citizen.gender]),
)
