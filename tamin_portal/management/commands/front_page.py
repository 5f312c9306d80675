"""The page that the front shows while no web answers: `manage.py front_page > tools/front/away.html`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.template.loader import render_to_string


class Command(BaseCommand):
    help = (
        "Print the page that the front shows while no web answers, with HELP_PHONE if it is set. The one in "
        "tools/front/ is as printed without it; FRONT_PAGES names a folder with your own."
    )
    requires_system_checks: list[str] = []

    def handle(self, **options: Any) -> None:
        self.stdout.write(render_to_string("portal/away.html").strip())
