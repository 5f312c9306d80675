"""The catalogues: every sentence of the portal, from English msgids to locale/fa; and what other languages have.

    python tools/messages.py check      fail on what is missing, obsolete, fuzzy, untranslated, damaged, or not in the
                                        portal's words and spelling (tools/persian_rules.py, docs/glossary.md)
    python tools/messages.py missing    print the missing msgids as PO entries, ready to be translated
                                        (--language ckb: those of another language, proper names too)
    python tools/messages.py sort       write each django.po in the order of its msgids, without line wrapping
    python tools/messages.py compile    write each django.mo (the same bytes for the same django.po)

The Persian catalogue has every sentence. The English one has what is not said well by the msgid itself, and every
proper name of the data, which is in Persian. Any further language has what somebody translated: the rest is shown in
Persian.

Needs no gettext programs: Babel finds the msgids (Django's own `templatize` makes Python of a template), polib reads
and writes the catalogue. Babel's own reader and writer are not used: its .mo holds the time of compiling, and its .po
header lines and flags that nobody here reads (docs/decisions/0033-what-was-weighed-again.md).

An entry whose msgid is not ours is allowed if Django (or a package in `PACKAGES`) has it: that is how their Persian is
replaced where it is clumsy.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import django
import polib
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir, extract_python
from django.conf import settings
from django.utils.translation.template import templatize

sys.path.insert(0, str(Path(__file__).resolve().parent))  # for `tools.messages`, as it is called where it is imported
import persian_rules
from persian_rules import PLACEHOLDER

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = ROOT / "locale" / "fa" / "LC_MESSAGES" / "django.po"
LOCALES = ROOT / "locale"
SOURCES = ("common", "tamin_portal", "sms", "identity", "mail", "accounts", "registration", "openid", "templates")
PACKAGES = ("django", "formtools", "phonenumber_field")
# Babel knows gettext and its kin: which arguments are msgid, plural, context. Django adds these.
KEYWORDS: dict[str, Any] = DEFAULT_KEYWORDS | {"gettext_noop": None}
KEYWORDS |= {f"{name}_lazy": KEYWORDS[name] for name in ("gettext", "ngettext", "pgettext", "npgettext")}
HEADER = {
    "Project-Id-Version": "tamin-portal",
    "Language": "fa",
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=UTF-8",
    "Content-Transfer-Encoding": "8bit",
    "Plural-Forms": "nplurals=2; plural=(n > 1);",
}
DIGITS = "0123456789"


class Key(NamedTuple):
    """What makes an entry the same entry."""

    context: str | None
    msgid: str


class Found(NamedTuple):
    """A msgid in the sources, with its plural ("" if it has none) and where it was seen first."""

    plural: str
    place: str


def extracted() -> dict[Key, Found]:
    """All msgids of the sources."""
    found: dict[Key, Found] = {}
    methods: Any = [("**.py", "python"), ("**.html", from_template), ("**.txt", from_template)]
    for folder in SOURCES:
        for name, line, message, _comments, context in extract_from_dir(ROOT / folder, methods, keywords=KEYWORDS):
            msgid, plural = (message, "") if isinstance(message, str) else (message[0], message[1])
            found.setdefault(Key(context, msgid), Found(plural, f"{folder}/{name}:{line}"))
    return found


def from_template(source: BinaryIO, *arguments: Any, **options: Any) -> Iterator[Any]:
    """Babel's method for Django's templates: as Python, but a template's indentation means nothing."""
    code = re.sub(r"(?m)^[ \t]+", "", templatize(source.read().decode()))
    return extract_python(io.BytesIO(code.encode()), *arguments, **options)


@cache
def package_msgids() -> frozenset[Key]:
    """Every msgid that the packages translate themselves, so that ours may replace it."""
    keys = set()
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        if spec and spec.origin:
            for path in Path(spec.origin).parent.rglob("locale/*/LC_MESSAGES/django.po"):
                if path.parts[-3] in ("fa", "en"):
                    keys |= {key_of(entry) for entry in polib.pofile(str(path))}
    return frozenset(keys)


def key_of(entry: polib.POEntry) -> Key:
    return Key(entry.msgctxt, entry.msgid)


def written(path: Path | None = None) -> polib.POFile:
    """The catalogue as it is in its django.po; the Persian one unless `path` says another."""
    return polib.pofile(str(path or CATALOGUE), wrapwidth=0)


def others() -> list[Path]:
    """The catalogues of all languages but Persian."""
    return sorted(path for path in LOCALES.glob("*/LC_MESSAGES/django.po") if path != CATALOGUE)


def language_of(path: Path) -> str:
    return path.parts[-3]


def names() -> dict[Key, Found]:
    """The proper names of the data and the words for small numbers, by what a page asks for them (common/languages)."""
    from common import languages, operators, persian
    from registration import cities

    data = cities.names()
    by_kind = {
        languages.MONTH: persian.JALALI_MONTHS,
        languages.OPERATOR: operators.OPERATORS.values(),
        languages.NUMBER: map(str, range(11)),
        languages.LETTER: [letter for letter in persian.SERIES_LETTERS if not letter.isdigit()],
        **data,
    }
    return {Key(kind, name): Found("", f"names: {kind}") for kind, values in by_kind.items() for name in values}


def problems_elsewhere(path: Path, found: dict[Key, Found], named: dict[Key, Found]) -> list[str]:
    """One line for everything that is wrong with a catalogue that is not the Persian one. Only English has to have all
    names: in the alphabet of another language a name of Iran can be read as it is."""
    code, entries = language_of(path), {key_of(entry): entry for entry in written(path) if not entry.obsolete}
    lines = [f"{code}: missing: {key.msgid!r} ({key.context})" for key in named if code == "en" and key not in entries]
    for key, entry in entries.items():
        known = key in found or key in named or key in package_msgids() or key == Key(None, DIGITS)
        lines += [] if known else [f"{code}: obsolete: {entry.msgid!r}"]
        lines += [f"{code}: {fault}: {entry.msgid!r}" for fault in faults_of(entry, may_drop=False, language=code)]
    return lines


def problems(catalogue: polib.POFile, found: dict[Key, Found]) -> list[str]:
    """One line for everything that is wrong with the catalogue; empty if it is complete."""
    entries = {key_of(entry): entry for entry in catalogue if not entry.obsolete}
    lines = [f"missing: {key.msgid!r} ({seen.place})" for key, seen in found.items() if key not in entries]
    lines += [f"obsolete: {entry.msgid!r}" for entry in catalogue.obsolete_entries()]
    for key, entry in entries.items():
        replaces_a_package = key not in found and key in package_msgids()
        if key not in found and not replaces_a_package:
            lines.append(f"obsolete: {entry.msgid!r}")
        lines += [f"{fault}: {entry.msgid!r}" for fault in faults_of(entry, may_drop=replaces_a_package)]
    return lines


def faults_of(entry: polib.POEntry, *, may_drop: bool, language: str = "fa") -> Iterator[str]:
    """What is wrong with one translation: fuzzy, missing, other placeholders, Persian against tools/persian_rules.py.

    `may_drop`: a placeholder may be left out, as where a package repeats what the person typed.
    """
    if entry.fuzzy:
        yield "fuzzy"
    if not entry.translated():
        yield "untranslated"
        return
    wanted = set(PLACEHOLDER.findall(entry.msgid))
    for text in entry.msgstr_plural.values() or (entry.msgstr,):
        used = set(PLACEHOLDER.findall(text))
        if used - wanted or (wanted - used and not may_drop):
            yield "other placeholders"
        if language == "fa":
            yield from persian_rules.faults(entry.msgid, text)


def save(catalogue: polib.POFile, path: Path | None = None) -> None:
    """Write its django.po sorted and without line wrapping, so that git seldom sees two people's changes conflict."""
    catalogue.metadata = header(catalogue)
    ordered = sorted((entry for entry in catalogue if not entry.obsolete), key=lambda e: (e.msgid, e.msgctxt or ""))
    del catalogue[:]
    catalogue.extend(ordered)
    for entry in catalogue:
        entry.occurrences, entry.linenum = [], None
    catalogue.save(str(path or CATALOGUE))


def header(catalogue: polib.POFile) -> dict[str, str]:
    """Of a header only what is read: the language and its plurals, which are each catalogue's own."""
    own = {name: catalogue.metadata[name] for name in ("Language", "Plural-Forms") if name in catalogue.metadata}
    return {**HEADER, **own}


def compiled(path: Path | None = None) -> bytes:
    """The .mo of the committed catalogue."""
    catalogue = written(path)
    catalogue.metadata = header(catalogue)
    return bytes(catalogue.to_binary())


def missing_entries(catalogue: polib.POFile, found: dict[Key, Found]) -> Iterable[polib.POEntry]:
    """An untranslated entry for every msgid that the catalogue lacks."""
    known = {key_of(entry) for entry in catalogue}
    for key, seen in found.items():
        if key not in known:
            plural = {"msgid_plural": seen.plural, "msgstr_plural": {0: "", 1: ""}} if seen.plural else {}
            yield polib.POEntry(msgctxt=key.context, msgid=key.msgid, comment=seen.place, **plural)


def main() -> int:
    """Run one of the commands; returns the exit status."""
    sys.path.insert(0, str(ROOT))  # the names are in modules of the portal
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("check", "missing", "sort", "compile"))
    parser.add_argument("--language", default="fa")
    arguments = parser.parse_args()
    command = arguments.command
    if not settings.configured:
        settings.configure(USE_I18N=False)
        django.setup()
    if command == "compile":
        for path in (CATALOGUE, *others()):
            path.with_suffix(".mo").write_bytes(compiled(path))
        return 0
    catalogue = written()
    if command == "sort":
        for path in (CATALOGUE, *others()):
            save(written(path), path)
        return 0
    found = extracted()
    named = names()
    if command == "missing":
        if arguments.language != "fa":
            path = LOCALES / arguments.language / "LC_MESSAGES" / "django.po"
            catalogue = written(path) if path.exists() else polib.POFile()
            found |= named | {Key(None, DIGITS): Found("", "the ten digits")}
        print("\n".join(str(entry) for entry in missing_entries(catalogue, found)))
        return 0
    lines = problems(catalogue, found)
    for path in others():
        lines += problems_elsewhere(path, found, named)
    print("\n".join(lines) or "The catalogue is complete.")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
