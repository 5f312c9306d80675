"""The Persian catalogue is complete, and what is compiled is what is written."""

from __future__ import annotations

import gettext
import io
from pathlib import Path

import polib
import pytest
from django.utils import translation

from tools import messages

pytestmark = pytest.mark.project


def catalogue(*entries: polib.POEntry) -> polib.POFile:
    file = polib.POFile()
    file.extend(entries)
    return file


def test_every_sentence_is_translated_and_none_is_left_over() -> None:
    assert messages.problems(polib.pofile(str(messages.CATALOGUE)), messages.extracted()) == []


def test_the_compiled_catalogue_is_the_written_one() -> None:
    assert messages.CATALOGUE.with_suffix(".mo").read_bytes() == messages.compiled()
    compiled = gettext.GNUTranslations(io.BytesIO(messages.compiled()))
    assert compiled.gettext("National ID") == "کد ملی"


def test_the_nearest_branch_is_spelt_as_in_the_guide() -> None:
    sentences = [entry.msgstr for entry in polib.pofile(str(messages.CATALOGUE))]
    assert [sentence for sentence in sentences if "نزدیک\u200cترین" in sentence] == []


def test_the_catalogue_is_sorted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = messages.CATALOGUE.read_text(encoding="utf-8")
    catalogue = messages.written()
    catalogue.reverse()
    monkeypatch.setattr(messages, "CATALOGUE", tmp_path / "django.po")
    messages.save(catalogue)
    assert messages.CATALOGUE.read_text(encoding="utf-8") == before


def test_sentences_of_python_and_of_templates_are_found() -> None:
    found = messages.extracted()
    assert found[messages.Key(None, "Birth date")].place.startswith("common/templatetags/fields.py")
    assert messages.Key("step three", "All fields must be filled in.") in found
    assert messages.Key(None, "Only Latin letters, digits and & %% $ # ! are allowed.") in found


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        (polib.POEntry(msgid="Name"), "untranslated"),
        (polib.POEntry(msgid="Name", msgstr="نام", flags=["fuzzy"]), "fuzzy"),
        (polib.POEntry(msgid="Wait %(seconds)s", msgstr="صبر کنید"), "other placeholders"),
        (polib.POEntry(msgid="Name", msgstr="علي"), "write Persian ی"),
        (polib.POEntry(msgid="No source has this sentence.", msgstr="نیست"), "obsolete"),
    ],
)
def test_a_fault_in_the_catalogue_is_named(entry: polib.POEntry, fault: str) -> None:
    found = {messages.Key(None, text): messages.Found("", "here:1") for text in ("Name", "Wait %(seconds)s")}
    lines = [line for line in messages.problems(catalogue(entry), found) if not line.startswith("missing")]
    assert any(line.startswith(fault) for line in lines)


def test_a_sentence_without_an_entry_is_missing() -> None:
    found = {messages.Key(None, "Name"): messages.Found("", "here:1")}
    assert messages.problems(catalogue(), found) == ["missing: 'Name' (here:1)"]


def test_djangos_own_wording_is_replaced() -> None:
    with translation.override("fa"):
        assert translation.gettext("This field is required.") == "این مورد الزامی است؛ لطفاً آن را پر کنید."
        sentence = translation.gettext("Select a valid choice. %(value)s is not one of the available choices.")
        assert "%(value)s" not in sentence  # what was typed is not repeated


@pytest.mark.parametrize("path", messages.others(), ids=messages.language_of)
def test_every_other_catalogue_is_sound_sorted_and_compiled(path: Path, tmp_path: Path) -> None:
    assert messages.problems_elsewhere(path, messages.extracted(), messages.names()) == []
    assert path.with_suffix(".mo").read_bytes() == messages.compiled(path)
    messages.save(messages.written(path), tmp_path / "django.po")
    assert (tmp_path / "django.po").read_text(encoding="utf-8") == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        (polib.POEntry(msgid="Wait %(seconds)s", msgstr="Please wait"), "en: other placeholders"),
        (polib.POEntry(msgid="Name", msgstr="The name", flags=["fuzzy"]), "en: fuzzy"),
        (polib.POEntry(msgid="No source has this sentence.", msgstr="Nor this one."), "en: obsolete"),
        (polib.POEntry(msgid="Name", msgstr="The name"), "en: missing: 'قم' (city)"),
    ],
)
def test_a_fault_in_the_english_catalogue_is_named(entry: polib.POEntry, fault: str, tmp_path: Path) -> None:
    path = tmp_path / "en" / "LC_MESSAGES" / "django.po"
    path.parent.mkdir(parents=True)
    catalogue(entry).save(str(path))
    found = {messages.Key(None, text): messages.Found("", "here:1") for text in ("Name", "Wait %(seconds)s")}
    lines = messages.problems_elsewhere(path, found, {messages.Key("city", "قم"): messages.Found("", "names: city")})
    assert any(line.startswith(fault) for line in lines), lines
