"""No sentence spells a limit: what people read is filled from `common.limits`, in Persian digits or words."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from operator import attrgetter
from pathlib import Path

import polib
import pytest
from django.template import Context, Template

from common import limits, sentences
from common.errors import PortalError
from common.persian import number_in_words
from tools import messages

pytestmark = pytest.mark.project
# Digits and number words that are no limit of ours. They are taken out of a sentence before it is looked at.
NO_LIMITS = {
    "how mobile numbers and links are written": ("09121234567", "۰۹۱۲۱۲۳۴۵۶۷", "09", "۰۹", "*800#"),
    "the digits of a language": ("0123456789", "۰۱۲۳۴۵۶۷۸۹"),
    "the length of a mobile number": ("eleven digits", "یازده رقم"),
    "the length of a national ID, a tracking code, a certificate number: they are written on papers": (
        "ten digits",
        "10 digits",
        "ده رقم",
    ),
    "the parts of a birth certificate's serial and series": (
        "six-digit number",
        "at most six digits",
        "حداکثر شش رقم",
        "عدد شش رقمی",
        "two digits",
        "دو رقم",
        "from 1 to 11",
        "از 1 تا 11",
        "345678",
        "۳۴۵۶۷۸",
    ),
    "a certificate without a number has 0; a yes and a no in an extract": (
        "enter 0",
        "۰ بنویسید",
        "neither 0 nor 1",
        "نه 0 است و نه 1",
        "0 or 1",
    ),
    "encodings of text; how a spreadsheet shortens numbers": (
        "Windows-1256",
        "WINDOWS-1256",
        "UTF-16",
        "power of ten",
        "توانی از ده",
    ),
    "the calendar": (
        "from 1 to 31",
        "از ۱ تا ۳۱",
        "four digits",
        "چهار رقم",
        "a year, a date",
        "name of a month",
        "1370/05/17",
        "17 Mordad 1370",
        "۱۷ مرداد ۱۳۷۰",
        "1370",
        "۱۳۷۰",
        "1405/09/02",
        "1405/09/08 06:00",
        "2026-11-23",
    ),
    "the international rules of accessibility, and what they ask for": (
        "WCAG 2.2",
        "WCAG نسخه ۲٫۲",
        "twice as large",
        "دو برابر",
    ),
    "advice about passwords: two or three words are an example, not a rule": (
        "two more words",
        "دو واژه",
        "three words",
        "three other words",
        "three different words",
        "at least three",
        "سه واژه",
        "ABC or 123",
        "ABC یا ۱۲۳",
    ),
    "names of the steps, and what there are two of": (
        "step two",
        "step three",
        "گام دو",
        "two-step",
        "two password",
        "تا پایان این دو مرحله",
        "هر دو",
    ),
    "one more time is no number of times": ("یک بار دیگر", "twice changes nothing"),
    "a link and a visit are good for one use": ("یک بار کار", "با یک بار مراجعه"),
    "the brake counts the POSTs of each minute": ("Wait one minute", "یک دقیقه صبر"),
    "codes are counted by the hour and the day": ("an hour and a day", "an hour later", "یک ساعت دیگر"),
    "budgets and caps are of a day": ("inquiries of a day", "inquiries a day", "rials a day", "یک روز", "a day may"),
    "how long operators and registries usually take: nothing ends then": (
        "It may take a minute",
        "تا یک دقیقه طول",
        "usually takes less than a minute",
        "usually this takes less than a minute",
        "معمولاً کمتر از یک دقیقه",
    ),
    "the series of the drawing; a field and its tick": ("Alef/12", "الف/۱۲", "یکی از این دو"),
    "the 95th percentile": ("19 of 20", "۱۹ از ۲۰", "95 %"),
    "a weight of zero": ("0: only",),
    "the demo's plot": ("down twice", "دو بار بی\u200cپاسخ"),
    "an exit code, a character set": ("exit code 1", "UTF-8"),
    "how soon workers see a switch": ("within a second",),
    "at least one": ("one digit",),
    "names of signatures, statuses of HTTP": ("ES256", "RS256", "HTTP 405", "200 or 204", "۲۰۰ یا ۲۰۴"),
    "a trial calls each address once; a token that is good for one use": (
        "یک بار صدا زده",
        "too late or twice",
        "دیر یا دو بار",
    ),
}
_EXCEPTIONS = re.compile("|".join(re.escape(each) for texts in NO_LIMITS.values() for each in texts), re.IGNORECASE)
_PLACEHOLDERS = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")
# One is a number only of what is counted: "one minute", but not "one of them".
_ENGLISH = re.compile(
    r"\d+|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty"
    r"|hundred|thousand|twice)\b"
    r"|\b(?:an?|one|half an?) (?:second|minute|hour|day|week|month|year|try|character|digit)\b",
    re.IGNORECASE,
)
_WORDS = "|".join(
    sorted({number_in_words(number).split(" و ")[0] for number in range(2, 1000)} - {"نه"}, key=len)[::-1]
)
_PERSIAN = re.compile(
    rf"(?<![\w\u200c])(?:{_WORDS}|هزار)(?![\w\u200c])"
    r"|(?<![\w\u200c])(?:یک|نه|نیم) (?:ثانیه|دقیقه|ساعت|روز|هفته|ماه|سال|بار|کاراکتر|رقم)(?![\w\u200c])"
)


def numbers_in(text: str) -> list[str]:
    return [found[0] for pattern in (_ENGLISH, _PERSIAN) for found in pattern.finditer(_PLACEHOLDERS.sub(" ", text))]


def spelt(text: str) -> list[str]:
    """The numbers that a sentence spells, without the exceptions."""
    return numbers_in(_EXCEPTIONS.sub(" ", text))


def catalogue() -> Iterator[str]:
    """Every sentence in English and in Persian."""
    for entry in polib.pofile(str(messages.CATALOGUE)):
        yield from filter(None, (entry.msgid, entry.msgid_plural, entry.msgstr, *entry.msgstr_plural.values()))


def of_commands() -> Iterator[str]:
    """What the commands say in English besides: every piece of text in them but their docstrings."""
    for path in sorted(messages.ROOT.glob("*/management/**/*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docstrings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            is_text = isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value.strip()
            if is_text and node not in docstrings:
                yield node.value


def test_no_sentence_of_the_catalogue_spells_a_limit() -> None:
    assert {text: numbers for text in catalogue() if (numbers := spelt(text))} == {}


def test_no_command_spells_a_limit() -> None:
    assert {text: numbers for text in of_commands() if (numbers := spelt(text))} == {}


def test_every_exception_is_needed() -> None:
    everything = "\n".join([*catalogue(), *of_commands()]).lower()
    exceptions = [each for texts in NO_LIMITS.values() for each in texts]
    assert [each for each in exceptions if each.lower() not in everything or not numbers_in(each)] == []


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("The code was wrong five times. Send a new code.", ["five"]),
        ("Each code is valid for 10 minutes and for %(tries)s tries.", ["10"]),
        ("A code was asked for less than a minute ago.", ["a minute"]),
        ("Devices not used for a year", ["a year"]),
        ("The code has six digits.", ["six"]),
        ("کد پنج بار اشتباه وارد شد.", ["پنج"]),
        ("هر کد ده دقیقه اعتبار دارد.", ["ده"]),
        ("اگر در یک هفته سه بار پاسخ نادرست داده شود", ["سه", "یک هفته"]),
        ("حداقل ۸ کاراکتر", ["۸"]),
        ("تا بیست و پنج دقیقه", ["بیست", "پنج"]),
        ("This one is yours; the first of them. %(most)s tries.", []),
        ("همین یکی؛ نه آن یکی. داده شده است.", []),
    ],
)
def test_a_number_in_a_sentence_is_found(text: str, numbers: list[str]) -> None:
    assert sorted(spelt(text)) == sorted(numbers)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "صفر"),
        (1, "یک"),
        (9, "نه"),
        (19, "نوزده"),
        (20, "بیست"),
        (21, "بیست و یک"),
        (100, "صد"),
        (128, "صد و بیست و هشت"),
        (305, "سیصد و پنج"),
        (999, "نهصد و نود و نه"),
        (1000, "۱۰۰۰"),
        (-3, "-۳"),
    ],
)
def test_numbers_in_words(number: int, words: str) -> None:
    assert number_in_words(number) == words


@pytest.mark.parametrize(
    ("span", "words", "digits", "that"),
    [
        (timedelta(seconds=60), "یک دقیقه", "۱ دقیقه", "دقیقه"),
        (timedelta(seconds=90), "نود ثانیه", "۹۰ ثانیه", "نود ثانیه"),
        (timedelta(minutes=90), "نود دقیقه", "۹۰ دقیقه", "نود دقیقه"),
        (timedelta(hours=72), "سه روز", "۳ روز", "سه روز"),
        (timedelta(days=7), "یک هفته", "۱ هفته", "هفته"),
        (timedelta(days=30), "سی روز", "۳۰ روز", "سی روز"),
        (timedelta(days=365), "یک سال", "۱ سال", "سال"),
    ],
)
def test_a_span_is_told_in_the_largest_unit_that_fits(span: timedelta, words: str, digits: str, that: str) -> None:
    assert (sentences.in_words(span), sentences.in_digits(span), sentences.that_span(span)) == (words, digits, that)


def test_a_template_fills_a_sentence_by_the_name_of_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    template = Template('{% load persian_text %}{{ "CODE_TRIES"|limit|times }}, {{ "CODE_LIFE"|limit|in_digits }}')
    monkeypatch.setattr(limits, "CODE_TRIES", 7)
    monkeypatch.setattr(limits, "CODE_LIFE", timedelta(hours=2))
    assert template.render(Context()) == "هفت بار, ۲ ساعت"
    with pytest.raises(AttributeError):
        Template('{% load persian_text %}{{ "NO_LIMIT"|limit }}').render(Context())


def test_sentences_are_found_by_the_code_of_an_error() -> None:
    said = sentences.Sentences({"wait": "%(seconds)s s", "of_values": lambda *, left: f"{left} left", "plain": "100 %"})
    assert said(PortalError("wait", seconds=12)) == said("wait", seconds=12) == "۱۲ s"
    assert said(PortalError("of_values", left=3)) == "3 left"
    assert said("plain") == "100 %"
    with pytest.raises(KeyError):
        said("unknown")


def asked_for(path: Path) -> Iterator[tuple[str, str]]:
    """Whose sentence a module asks for by a code that is written there: `texts.sentence`, `session_over`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        is_call = isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)
        if is_call and (name := ast.unparse(node.func)).rpartition(".")[2] == "sentence":
            yield name, node.args[0].value


def test_every_code_that_is_asked_for_has_a_sentence() -> None:
    found = {}
    for path in sorted(path for app in messages.SOURCES for path in (messages.ROOT / app).rglob("*.py")):
        for name, code in asked_for(path):
            module = importlib.import_module(".".join(path.relative_to(messages.ROOT).with_suffix("").parts))
            known = attrgetter(name)(module).by_code
            found[path.name, name, code] = code in known
    assert len(found) > 40
    assert [where for where, is_known in found.items() if not is_known] == []


def test_every_limit_that_is_told_is_changed_and_read() -> None:
    """`CODE_DIGITS` shapes the code; no sentence says how long it is."""
    told = {name for path in messages.ROOT.glob("templates/**/*.html") for name in _told(path, r'"(\w+)"\|limit\b')}
    modules = [path for app in messages.SOURCES for path in (messages.ROOT / app).rglob("*texts.py")]
    told |= {name for path in modules for name in _told(path, r"\blimits\.([A-Z_]+)")}
    changed = _told(messages.ROOT / "tests/support/other_limits.py", r'(?m)^    "(\w+)": ')
    assert len(told) > 12
    assert told - {"CODE_DIGITS"} - changed == set()


def _told(path: Path, pattern: str) -> set[str]:
    return set(re.findall(pattern, path.read_text(encoding="utf-8")))


def test_pages_sms_and_commands_tell_the_limits_as_they_are() -> None:
    """`tests/support/told_limits.py`, in a process in which every limit that is told is another one from the beginning:
    what reads a limit when its module is loaded is seen as well."""
    run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--ds=tests.support.other_limits"]
    own_database = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    done = subprocess.run(
        [*run, "tests/support/told_limits.py"], cwd=messages.ROOT, env=own_database, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
