"""How the portal's Persian is written is held by rules: each refuses its example, and says what to write instead."""

from __future__ import annotations

import polib
import pytest

from tools import messages
from tools.messages import persian_rules as persian

pytestmark = pytest.mark.project
RULES = (*persian.SPACES, *persian.LETTERS, persian.LATIN_DIGITS, *persian.word_rules())
GUIDE = [sentence for sentence in sorted(persian.guide_sentences()) if len(sentence.split()) > 3]


def faults(msgstr: str, msgid: str = "Text") -> list[str]:
    return list(persian.faults(msgid, msgstr))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.say)
def test_a_rule_refuses_its_example(rule: persian.Rule) -> None:
    assert [fault for fault in faults(rule.example) if fault.startswith(f"{rule.say}: …")]


@pytest.mark.parametrize(
    ("msgid", "msgstr", "fault"),
    [
        ("Press “Go”", "«انجام را بزنید", "open and close « » in pairs"),
        ("Press “Go”", "انجام» را «بزنید", "open and close « » in pairs"),
        ("SIM (lost)", "سیم‌کارت (گم شده", "open and close ( ) in pairs"),
        ("Dial *800#", "\u2066*800# را بگیرید", "open and close U+2066 and U+2069 in pairs"),
        ("Wait a minute.", "صبر کنید", "end it with a full stop, as the English"),
        ("Wait", "صبر کنید.", "no full stop, as in the English"),
        (
            "To <bdi>%(number)s</bdi>",
            "به %(number)s",
            "write the tags of the English, each as often: ['<bdi>', '</bdi>']",
        ),
        ("Wait", f"{'صبر ' * persian.MOST_WORDS}کنید", "split it"),
        ("To %(number)s", "به %(number) s", "write a placeholder as in the English"),
        ("To %(number)s", "به {{ number }}", "write a placeholder as in the English"),
    ],
)
def test_what_the_english_marks_is_marked_in_the_persian(msgid: str, msgstr: str, fault: str) -> None:
    assert [line for line in faults(msgstr, msgid) if line.startswith(fault)]


@pytest.mark.parametrize(
    ("msgid", "msgstr"),
    [
        ("Enter it.", "کد شناسه را وارد کنید؛ می‌توانید از شعبه‌ای هم بپرسید."),
        ("Not of the Gregorian calendar", "نه میلادی (میانه سال): قدیمی‌ترین آن‌ها و کدهای دیگر"),
        ("Address you@domain.com", "آدرس you@domain.com یا https://tamin.ir/a?b=1"),
        ('To <bdi dir="ltr">%(number)s</bdi> in %(wait)d', 'به <bdi dir="ltr">%(number)s</bdi> تا %(wait)d'),
        ("Dial *800#", "\u2066*800#\u2069 را بگیرید"),
        ("Rules WCAG 2.2", "قواعد WCAG 2.2 تا انتها"),
        ("is neither 0 nor 1", "نه 0 است و نه 1"),
        ("Is it fresh butter?", "نمی‌دانید؟ «شعب» را ببینید: تا ۱۰ دقیقه"),
    ],
)
def test_good_persian_is_not_refused(msgid: str, msgstr: str) -> None:
    assert faults(msgstr, msgid) == []


@pytest.mark.parametrize("sentence", GUIDE)
def test_the_guides_own_sentences_stay_as_they_are(sentence: str) -> None:
    assert faults(sentence) == faults(sentence, "Text.") == []


def test_what_we_add_to_a_sentence_of_the_guide_is_ours() -> None:
    sentence = "کد پیامک شده را در این قسمت وارد نمایید."
    assert faults(f"{sentence} سپس صبر کنید.", "Text.") == []
    assert faults(f"{sentence} سپس صبر نمایید.", "Text.") == [
        "write «کنید», not «نمایید» (docs/glossary.md): …■ سپس صبر نمایید.…"
    ]
    assert faults("کد ملی را وارد نمایید.", "Text.") != []


def test_a_word_of_the_glossary_is_refused_by_no_other_row() -> None:
    rows = [word.word for word in persian.words()]
    assert len(rows) > 35
    assert len(set(rows)) == len(rows)
    assert {word: said for word in rows if (said := faults(word))} == {}


def test_what_shows_a_file_as_it_stands_needs_to() -> None:
    catalogue = {entry.msgid: entry.msgstr for entry in polib.pofile(str(messages.CATALOGUE))}
    for msgid in persian.AS_IN_THE_FILE:
        assert persian.LATIN_DIGITS.wrong.search(catalogue[msgid]), msgid


@pytest.mark.parametrize("page", ["messages", "sms"])
def test_the_guides_messages_are_word_for_word_in_the_catalogue(page: str) -> None:
    sentences = "\n".join(entry.msgstr for entry in polib.pofile(str(messages.CATALOGUE)))
    missing = [sentence for sentence in persian.guide_pages()[page] if sentence not in sentences]
    assert missing == []


def test_a_plural_is_read_in_both_its_forms() -> None:
    entry = polib.POEntry(msgid="%(n)s code", msgid_plural="%(n)s codes", msgstr_plural={0: "کد", 1: "کد  تازه"})
    said = list(messages.faults_of(entry, may_drop=True))
    assert [line for line in said if line.startswith("write one space")]
    assert [line for line in said if line.startswith("write «جدید»")]
