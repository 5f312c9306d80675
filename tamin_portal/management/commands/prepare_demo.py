"""Make a demo ready to be tried, and say what to type. `make run` calls it before it serves."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import translation
from rich.console import Console
from rich.table import Table

from accounts.demo import ensure_services, ensure_staff
from accounts.models import Gender, User
from common.installation import ensure_mode
from identity.demo_extract import load_if_empty
from identity.person import FIELDS
from identity.registries.demo import CITIZENS, DemoCitizen
from openid.demo import ensure_service
from openid.rotation import make_first_keys
from registration.models import Registration
from tamin_portal.startup import refuse_unsafe


class Command(BaseCommand):
    help = "In demo mode: stamp a fresh database, load what is made up, make the staff, print what to type."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--url", default="http://127.0.0.1:9090", help="where the portal will answer")
        parser.add_argument("--migrate", action="store_true", help="bring the database up to date before")
        parser.add_argument("--service", default="", metavar="URL", help="where the demo's own service will answer")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("This is not a demo (PORTAL_MODE): nothing was prepared.")
        if options["migrate"]:
            call_command("migrate", interactive=False, verbosity=0)
        ensure_mode(fresh=not User.objects.exists() and not Registration.objects.exists())
        refuse_unsafe()
        load_if_empty()
        ensure_services()
        make_first_keys()
        username, password = ensure_staff(settings.PORTAL_HOME)
        url, service = options["url"].rstrip("/"), options["service"].rstrip("/")
        if service:
            ensure_service(settings.PORTAL_HOME, service)
        self.stdout.write(as_text(citizens_table()))
        self.stdout.write(f"Register     {url}/portal/registration")
        self.stdout.write(f"SMS inbox    {url}/portal/inbox/     (the codes and results arrive here)")
        self.stdout.write(f"Branch desk  {url}/admin/            user name: {username}   password: {password}")
        if service:
            self.stdout.write(f"Demo service {service}/     (another service, which the account signs in to)")


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
    with translation.override("fa"):
        for label, value in _rows():
            table.add_row(label, *(value(citizen) for citizen in CITIZENS), end_section=label == "what happens")
    return table


def _rows() -> Iterator[tuple[str, Callable[[DemoCitizen], str]]]:
    """The label of each line, and its value for a citizen, in the order in which they are typed."""
    yield "what happens", lambda citizen: citizen.story
    yield "کد ملی", lambda citizen: citizen.national_id
    yield "تلفن همراه", lambda citizen: citizen.mobile
    for name in FIELDS:
        label = str(Registration.column(name).verbose_name)
        if name == "birth_unknown":
            continue  # their birth dates are all known
        if name == "birth_date":
            yield "تولد: سال/ماه/روز", lambda citizen: citizen.born
        elif name == "gender":
            yield label, lambda citizen: str(Gender(citizen.gender).label)
        else:
            yield label, partial(_typed, name)


def _typed(name: str, citizen: DemoCitizen) -> str:
    """What is typed; a dash where the tick is made instead that it is not there."""
    return getattr(citizen, name) or "—"
