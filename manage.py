#!/usr/bin/env python
"""Run a management command on the portal that `PORTAL_HOME` (default var/) points at."""

import os
import sys


def refuse_what_is_no_text(arguments: list[str]) -> None:
    """Bytes that are not UTF-8 could be neither stored nor printed: end with a sentence instead of halfway."""
    for argument in arguments:
        shown = os.fsencode(argument).decode("utf-8", "backslashreplace")
        if shown != argument:
            sys.exit(f"manage.py: “{shown}” is not text in UTF-8.")


def main() -> None:
    refuse_what_is_no_text(sys.argv[1:])
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tamin_portal.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"manage.py: {error}")


if __name__ == "__main__":
    main()
