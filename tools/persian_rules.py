"""How the portal's Persian is written: the words of docs/glossary.md, ZWNJ, digits, punctuation, length.

`faults(msgid, msgstr)` says of one translation what to write instead. The guide's own sentences are exempt: they are
word for word as the organisation wrote them (docs/decisions/0010-words-of-the-guide.md).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
GLOSSARY = ROOT / "docs" / "glossary.md"
GUIDE = ROOT / "tests" / "guide_sentences.json"
GUIDE_STANDS_HERE = "■"
PLACEHOLDER = re.compile(r"%\([a-z_]+\)[sd]|%[sd]|\{[a-z_]*\}")
_TAG = re.compile(r"</?[a-z][^>]*>")
# What is read by machines, or copied from them: neither its digits nor its signs are Persian.
_TECHNICAL = re.compile(
    rf"{_TAG.pattern}|{PLACEHOLDER.pattern}|%%"
    r"|&[a-z]+;"  # an entity of HTML
    r"|https?://\S*|/[a-z]+(?:/[a-z]+)*|\S+@\S+\.[a-z]+"  # a web address, a path, an e-mail address
    r"|--[a-z-]+"  # an option of a command
    r"|\u2066[^\u2069]*\u2069"  # isolated from left to right, such as *800#
    r"|[A-Za-z]+[ -]?[0-9][0-9.]*"  # a name with a number: UTF-8, WCAG 2.2
)
# These speak of what stands in a file or is typed in a terminal, so they show it as it stands there.
AS_IN_THE_FILE = frozenset(
    {
        "does not begin with a series letter or a number from 1 to 11",
        "is a Gregorian date; a Jalali date like 1370/05/17 is needed",
        "is neither 0 nor 1",
        "is not a Jalali date like 1370/05/17",
        "write a mobile number of Iran, like 09121234567",
    }
)
_LETTER = "آ-غف-یئءأؤ"
_NO_LETTER_BEFORE = rf"(?<![{_LETTER}\u200c])"
_NO_LETTER_AFTER = rf"(?![{_LETTER}\u064b-\u0652])"
_STOPS = re.compile("[.؛؟!:]")
MOST_WORDS = 27  # between two stops: as much as is kept in mind while it is read aloud
_VERBS = "باش|بایست|بین|توان|خواه|خوان|داند|دانن|دانی|دهد|دهید|دهیم|شود|شون|شناس|کن|گرد|گیر|ماند|مانی|نویس|یاب"


class Rule(NamedTuple):
    """`say`: what to write instead; `wrong`: what is refused; `example`: a sentence in which it is refused."""

    say: str
    wrong: re.Pattern[str]
    example: str


def _rule(say: str, wrong: str, example: str) -> Rule:
    return Rule(say, re.compile(wrong), example)


# Of the whole sentence, tags and placeholders too.
SPACES = (
    _rule("write one space, not two", r"  ", "کد  شناسه"),
    _rule("no space before ، . : ؛ ؟ ! … » and )", r" [،.:؛؟!…»)]", "صبر کنید ."),
    _rule("no space after « and (", r"[«(] ", "« ثبت نام»"),
    _rule("a space after ، ؛ ؟ and :", rf"[،؛؟:][{_LETTER}]", "کد ملی،تلفن همراه"),
    _rule("a space after the full stop", rf"[{_LETTER}]\.[{_LETTER}]", "صبر کنید.دوباره بفرستید"),
    _rule("one ZWNJ, not two", "\u200c\u200c", "می\u200c\u200cشود"),
    _rule(
        "no ZWNJ at a space, a sign, or an end",
        rf"\u200c(?![{_LETTER}])|(?<![{_LETTER}])\u200c",
        "می\u200c شود",
    ),
)
# Of the sentence without what machines read.
LETTERS = (
    _rule("write Persian ی and ک, not Arabic ي ى ك", "[يىك]", "علي"),
    _rule("write ه, not ة, ۀ or ه with hamza", "[ةۀ]|ه\u0654", "خانۀ شما"),
    _rule("leave out the tatweel ـ", "ـ", "ســلام"),
    _rule("write Persian digits ۰-۹, not Arabic ones", "[٠-٩]", "٥ دقیقه"),
    _rule("write ، ؛ ؟, not , ; ?", "[,;?]", "کد ملی, تلفن همراه"),
    _rule("put «» around it, not straight or English quotation marks", "[\"'“”‘’]", 'دکمه "ثبت نام"'),
    _rule("write … as one sign", r"\.\.\.", "صبر کنید..."),
    _rule("write شده and نشده after a space, as the guide does", "\u200cن?شده(?!\u200c)", "وارد\u200cشده"),
    _rule(
        "put a ZWNJ after می and نمی, not a space",
        rf"{_NO_LETTER_BEFORE}ن?می [{_LETTER}]",
        "می شود",
    ),
    _rule(
        "put a ZWNJ after می and نمی",
        rf"{_NO_LETTER_BEFORE}ن?می(?:{_VERBS})",
        "میتوانید",
    ),
    _rule(
        "put a ZWNJ before ها, های, هایی, تر and ترین, not a space",
        rf"[{_LETTER}] (?:هایی?|ها|ترین|تر){_NO_LETTER_AFTER}",
        "کد های شما",
    ),
    _rule(
        "put a ZWNJ before ها, های and هایی after a letter that joins",
        rf"[بپتثجچحخسشصضطظعغفقکگلمنهی](?<!آن)(?<!این)(?<!تن)(?<!نت)(?:هایی?|ها){_NO_LETTER_AFTER}",
        "شمارههای شما",
    ),
    _rule(
        "put a ZWNJ before ام, ای, ایم, اید and اند after ه, not a space",
        rf"ه (?:ام|ای|ایم|اید|اند){_NO_LETTER_AFTER}",
        "وارد کرده اید",
    ),
    _rule("no ZWNJ after a letter that joins nothing", "[آادذرزژو]\u200c", "کد\u200cهای شما"),
)
LATIN_DIGITS = _rule("write Persian digits ۰-۹ where people read them", "[0-9]", "تا 10 دقیقه")


PAIRS = (("«", "»", "« »"), ("(", ")", "( )"), ("\u2066", "\u2069", "U+2066 and U+2069"))


class Word(NamedTuple):
    """A row of the glossary: the one word for a thing, and those that are not used for it."""

    word: str
    instead_of: tuple[str, ...]

    def rules(self) -> Iterator[Rule]:
        for other in self.instead_of:
            say = f"write «{self.word}», not «{other}» (docs/glossary.md)"
            yield _rule(say, _NO_LETTER_BEFORE + re.escape(other) + _NO_LETTER_AFTER, f"لطفاً {other} را ببینید")


@cache
def words() -> tuple[Word, ...]:
    """The Persian words of docs/glossary.md: its table with the columns Word, Not, For."""
    rows: list[Word] = []
    in_table = False
    for line in GLOSSARY.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[:2] == ["Word", "Not"]:
            in_table = True
        elif in_table and not line.startswith("|"):
            in_table = False
        elif in_table and not line.startswith("|---"):
            rows.append(Word(cells[0], tuple(filter(None, (each.strip() for each in cells[1].split("،"))))))
    return tuple(rows)


@cache
def word_rules() -> tuple[Rule, ...]:
    return tuple(rule for word in words() for rule in word.rules())


@cache
def guide_pages() -> dict[str, list[str]]:
    """The guide's sentences by the page, message or SMS they stand on."""
    pages: dict[str, list[str]] = json.loads(GUIDE.read_text(encoding="utf-8"))
    return pages


@cache
def guide_sentences() -> tuple[str, ...]:
    """The guide's sentences, the longest first."""
    return tuple(sorted({text for page in guide_pages().values() for text in page}, key=len, reverse=True))


def without_guide(text: str) -> str:
    """`text` with a sign in the place of each sentence of the guide, or of a part of one that is all of `text`."""
    for sentence in guide_sentences():
        if text == sentence or (len(text.split()) > 3 and text in sentence):
            return GUIDE_STANDS_HERE
        if len(sentence.split()) > 3:
            text = text.replace(sentence, GUIDE_STANDS_HERE).replace(sentence.rstrip(" ."), GUIDE_STANDS_HERE)
    return text


def faults(msgid: str, msgstr: str) -> Iterator[str]:
    """What to write instead in the Persian of `msgid`, one line for each rule that refuses it."""
    yield from _marked_up(msgid, msgstr)
    text = without_guide(msgstr.replace("%%", "%"))
    plain = _TECHNICAL.sub("▪", text)
    yield from _refused(SPACES, text)
    yield from _refused((*LETTERS, *word_rules()), plain)
    if msgid not in AS_IN_THE_FILE:
        yield from _refused((LATIN_DIGITS,), plain)
    for opening, closing, names in PAIRS:
        if not _balanced(text, opening, closing):
            yield f"open and close {names} in pairs"
    longest = max(len(part.split()) for part in _STOPS.split(plain))
    if longest > MOST_WORDS:
        yield f"split it by . or ؛ into parts of at most {MOST_WORDS} words; the longest has {longest}"
    if not text.endswith(GUIDE_STANDS_HERE) and _is_ended(msgid) != _is_ended(text):
        yield "end it with a full stop, as the English" if _is_ended(msgid) else "no full stop, as in the English"


def _refused(rules: Iterable[Rule], text: str) -> Iterator[str]:
    for rule in rules:
        if found := rule.wrong.search(text):
            around = text[max(found.start() - 12, 0) : found.end() + 12].replace("\u200c", "‹ZWNJ›")
            yield f"{rule.say}: …{around}…"


def _marked_up(msgid: str, msgstr: str) -> Iterator[str]:
    """Tags and broken placeholders; whole placeholders are compared by `tools/messages.py`."""
    if sorted(_TAG.findall(msgid)) != sorted(_TAG.findall(msgstr)):
        yield f"write the tags of the English, each as often: {_TAG.findall(msgid)}"
    if re.search(r"%\(|\{\{|\}\}|\{%", PLACEHOLDER.sub("", msgstr)):
        yield "write a placeholder as in the English, %(name)s: one is broken, or a template's {{ }} or {% %}"


def _balanced(text: str, opening: str, closing: str) -> bool:
    depth = 0
    for sign in text:
        depth += (sign == opening) - (sign == closing)
        if depth < 0:
            return False
    return depth == 0


def _is_ended(text: str) -> bool:
    return text.rstrip().endswith(".")
