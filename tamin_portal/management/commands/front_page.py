"""The pages that the front has of its own: `manage.py front_page > tools/front/away.html`, or all with `--into`."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from tamin_portal import front_pages


class Command(BaseCommand):
    help = (
        "Print a page that the front shows by itself, with HELP_PHONE if it is set; by default the one while no web "
        "answers. --into FOLDER writes all of them and their style sheet. Those in tools/front/ are as printed without "
        "HELP_PHONE; FRONT_PAGES names a folder with your own."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", default="away", choices=sorted(front_pages.PAGES), help="which page")
        parser.add_argument("--into", metavar="FOLDER", help="write all pages into this folder")

    def handle(self, *, name: str, into: str | None, **options: Any) -> None:
        if into is None:
            self.stdout.write(front_pages.page(name))
            return
        folder, style = Path(into), Path(settings.BASE_DIR, "tools", "front", "away.css")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for each in front_pages.PAGES:
                (folder / f"{each}.html").write_text(front_pages.page(each) + "\n", encoding="utf-8")
            if folder.resolve() != style.parent:
                shutil.copyfile(style, folder / style.name)
        except OSError as error:
            raise CommandError(f"{folder}: {error.strerror}.") from None
