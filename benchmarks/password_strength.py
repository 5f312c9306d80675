"""What estimating a password costs, beside hashing it once: ratios in one run.

    .venv/bin/python benchmarks/password_strength.py

Usual passwords, and texts made to take long: many matches, digits that stand for letters, repetitions, and names that
can be read everywhere in them. Ends with an error if any of them takes ten hashes or more.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import random
import resource
import statistics
import string
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

LONGEST, TOO_MUCH = 128, 10
SIGNS = string.ascii_letters + string.digits + "&%$#!"
BORN = dt.date(1991, 8, 8)


def texts(chance: random.Random) -> dict[str, str]:
    leet = "4836912!$5%70"
    return {
        "a name and a year": "Zahra1365",
        "three words and a digit": "Toranj7sangakLaklak",
        "random, 16": "".join(chance.choice(SIGNS) for _ in range(16)),
        "random, 128": "".join(chance.choice(SIGNS) for _ in range(LONGEST)),
        "leet in a row, 128": ("Aa" + leet) * 9,
        "leet, shuffled, 128": "A" + "".join(chance.choice(leet) for _ in range(LONGEST)),
        "leet, in pairs, 128": "A1" + "".join(sign * 2 for sign in leet * 5),
        "one letter, 128": "Aa1" + "x" * LONGEST,
        "three letters over and over, 128": "Ab1" * 43,
        "words over and over, 128": "Password1" * 15,
        "dates, 128": "Aa" + "13701225" * 16,
        "repeats in repeats, 128": "Aa1" + ("abcdefgh1!" * 2 + "x") * 6,
        "four weak pieces, 128": "Ali1" + "a" * 28 + "b" * 32 + "c" * 32 + "1" * 32,
        "long vowels, 128": "Aaeiou1" * 19,
    }


def fastest(work: Callable[[], object], times: int) -> float:
    """Seconds of the middle one of `times`."""
    took = []
    for _ in range(times):
        begun = time.process_time()
        work()
        took.append(time.process_time() - begun)
    return statistics.median(took)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=15, help="of each")
    times = parser.parse_args().times
    import django

    django.setup()
    from django.contrib.auth.hashers import make_password

    from accounts.passwords.strength import About, weakness
    from accounts.passwords.strength.words import known

    before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    known()
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"{len(known().ranks)} words, read once: {time.process_time() - begun:.2f} s, {grown:.0f} MB")
    usual = About("رضا", "کریمی", "0012345679", "+989121234567", "reza.karimi@example.com", "تهران، تهران", BORN)
    vowels = About("ا" * 60, "ه" * 60 + " ی" * 20, "0012345679", "+989121234567", "a1" * 60, "عع" * 30, BORN)
    hash_once = fastest(lambda: make_password("Toranj7sangak!"), times)
    print(f"one hash: {hash_once * 1000:.1f} ms; the others as a share of it\n")
    print(f"{'':36}{'usual person':>14}{'made-up one':>14}")
    worst = 0.0
    for name, text in texts(random.Random(1)).items():  # noqa: S311 - no secret
        ratios = []
        for person in (usual, vowels):
            work = lambda text=text, person=person: weakness(text[:LONGEST], person)  # noqa: E731
            ratios.append(fastest(work, times) / hash_once)
        worst = max(worst, *ratios)
        print(f"{name:36}{ratios[0]:14.2f}{ratios[1]:14.2f}")
    print(f"\nthe worst: {worst:.2f}")
    return 0 if worst < TOO_MUCH else 1


if __name__ == "__main__":
    sys.exit(main())
