"""Try a running demo as a citizen: register the citizen who matches, wait for the SMS, sign in.

    .venv/bin/python tools/walk.py --url http://127.0.0.1:9090 --home var

Prints each step and "ok"; ends with 1 and what the page said if a step fails.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from walker import Citizen, Home, Lost, Person, register, sign_in, until


def main() -> None:
    parser = argparse.ArgumentParser(description="Go through the portal as the demo citizen who matches.")
    parser.add_argument("--url", default="http://127.0.0.1:9090", help="where the portal answers")
    parser.add_argument("--home", default="var", type=Path, help="its PORTAL_HOME, where the SMS are read")
    arguments = parser.parse_args()
    try:
        walk(Person(arguments.url, Home(arguments.home), print), Citizen())
    except (Lost, OSError) as error:
        sys.exit(f"failed: {error}")
    print("ok")


def walk(person: Person, citizen: Citizen) -> None:
    """The whole way. Raises Lost or OSError."""
    if register(person, citizen):
        [text] = until(lambda: person.home.results(citizen.mobile), what="the result by SMS")[:1]
        print(f"SMS: {' '.join(text.split())}")
    sign_in(person, citizen)


if __name__ == "__main__":
    main()
