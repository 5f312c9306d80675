"""What a field says when it is written rightly: by the server after a POST, and by the script's rules, alike."""

from __future__ import annotations

import gzip
import json
import re
from typing import Any

import pytest

from accounts.passwords import rules
from common import limits, operators, persian
from common.templatetags.fields import field, ticks
from registration.forms.status import StatusForm
from registration.forms.steps import CodeForm, MobileForm
from tests.support.paths import ROOT
from tests.support.persian_input import VECTORS
from tests.support.scripts import as_js, node

RIGHT = "درست نوشته شده است"
SOURCES = ROOT / "static/src"
PERSON = VECTORS["password"]["_person"]


def said(form: Any, name: str) -> str:
    html = str(field(form[name]))
    found = re.search(rf'<p class="right" id="id_{name}-right">([^<]*)</p>', html)
    assert ("field-right" in html) is bool(found)
    assert (f"id_{name}-right" in (re.search(r'aria-describedby="([^"]*)"', html) or [""] * 2)[1]) is bool(found)
    return found[1] if found else ""


def test_after_an_error_the_fields_that_were_right_say_so() -> None:
    form = MobileForm({"national_id": "0012345679", "operator": "mci", "mobile": "0912"})
    assert said(form, "national_id") == RIGHT
    assert said(form, "mobile") == ""
    assert said(MobileForm({"national_id": "0012345678", "mobile": "09121234567"}), "national_id") == ""


def test_a_page_that_nobody_has_sent_says_nothing() -> None:
    assert said(MobileForm(initial={"national_id": "0012345679"}), "national_id") == ""
    assert said(MobileForm(), "mobile") == ""


def test_another_prefix_than_the_operators_is_a_hint_and_no_error() -> None:
    form = MobileForm({"national_id": "1", "operator": "irancell", "mobile": "09121234567"})
    assert "همراه اول" in re.sub("<select.*</select>", "", str(field(form["operator"])))
    assert list(form.errors) == ["national_id"]
    same = MobileForm({"national_id": "1", "operator": "mci", "mobile": "09121234567"})
    assert "در اصل" not in str(field(same["operator"]))


def test_an_operator_is_proposed_only_while_nobody_has_chosen() -> None:
    assert "data-propose" in str(field(MobileForm()["operator"]))
    assert "data-propose" not in str(field(MobileForm({"operator": "irancell"})["operator"]))
    assert "data-propose" not in str(field(MobileForm(initial={"operator": "rightel"})["operator"]))


def test_the_script_comes_with_its_sentences_only_where_a_field_is_watched() -> None:
    tag = str(ticks(MobileForm()))
    assert RIGHT in tag
    assert "data-prefixes" in tag
    assert "data-prefixes" not in str(ticks(StatusForm()))
    assert ticks(CodeForm()) == ticks("") == ticks(None) == ""


def test_the_script_holds_no_sentence() -> None:
    for name in ("ticks.js", "input-rules.js"):
        text = re.sub(r"//.*", "", (SOURCES / name).read_text("utf-8"))
        assert not re.search("[ء-ی]{3}", text)


def test_the_script_judges_national_ids_as_the_server_does() -> None:
    typed = VECTORS["national_id"]["valid"] + VECTORS["national_id"]["invalid"] + ["کد ملی: 0012345679", "7777777777"]

    def rule(text: str) -> str:
        try:
            persian.parse_national_id(text)
        except persian.InputError as error:
            return "length" if error.code == "required" else error.code
        return ""

    assert node(f"{as_js(typed)}.map(inputRules.nationalId)") == [rule(text) for text in typed]


def test_the_script_judges_mobiles_as_the_server_does() -> None:
    valid, invalid = VECTORS["mobile"]["valid"], VECTORS["mobile"]["invalid"]
    typed = [*valid, *invalid]
    found = node(f"{as_js(typed)}.map(inputRules.mobileDigits)")
    assert found == [*(number.removeprefix("+98") for number in valid.values()), *("" for _ in invalid)]
    proposed = node(f"{as_js(found)}.map((digits) => inputRules.operator(digits, {as_js(operators.BY_OPERATOR)}))")
    assert proposed == [operators.hint("+98" + digits) for digits in found]


def test_the_script_ticks_an_email_address_only_where_the_server_takes_it() -> None:
    vectors = json.loads((ROOT / "tests/vectors/email_addresses.json").read_text("utf-8"))
    refused = [typed for typed, _ in vectors["refused"]]
    ticked = node(f"{as_js(refused)}.map(inputRules.right.email)")
    assert [typed for typed, is_ticked in zip(refused, ticked, strict=True) if is_ticked] == []
    plain = [typed for typed, _, wire in vectors["taken"] if "xn--" not in wire]
    ticked = node(f"{as_js(plain)}.map(inputRules.right.email)")
    # Wide letters, and joiners inside, are beyond the script.
    missed = [typed for typed, is_ticked in zip(plain, ticked, strict=True) if not is_ticked]
    assert missed == [typed for typed in plain if "ｅ" in typed]


def test_the_script_ticks_the_rules_of_a_password_as_the_server_does() -> None:
    typed = VECTORS["password"]["valid"] + VECTORS["password"]["invalid"]
    words = list(PERSON.values())
    found = node(f"{as_js(typed)}.map((text) => inputRules.password(text, {as_js(words)}, {limits.PASSWORD_SHORTEST}))")
    for text, kept in zip(typed, found, strict=True):
        broken = set(rules.problems(text, **PERSON))
        # A letter that is not Latin is told of once by the server; of the script both rules stay open.
        assert {code for code, is_kept in kept.items() if not is_kept} - {"characters"} == broken - {"characters"}, text
        assert broken == set() or not all(kept.values()), text
    assert not any(node(f"inputRules.password('', [], {limits.PASSWORD_SHORTEST})").values())


def test_every_rule_of_the_password_has_a_line_that_can_be_ticked() -> None:
    lines = re.findall('data-rule="([a-z_]+)"', (ROOT / "templates/shared/_password_rules.html").read_text("utf-8"))
    assert lines == [code for code in rules.RULES if code != "too_long"]
    assert set(lines) == set(node("inputRules.password('', [], 8)"))


@pytest.mark.parametrize(("letter", "number", "serial"), VECTORS["birth_certificate"]["valid"])
def test_the_script_ticks_right_series_and_serials(letter: str, number: str, serial: str) -> None:
    assert (
        node(f"[inputRules.right.digits({as_js(number)}, 2), inputRules.right.digits({as_js(serial)}, 6)]")
        == [True] * 2
    )


def test_the_script_ticks_names_in_persian_letters_only() -> None:
    names = sorted(
        {name for pairs in VECTORS["names"].values() if isinstance(pairs, list) for pair in pairs for name in pair}
    )
    assert node(f"{as_js(names)}.filter((name) => !inputRules.right.name(name))") == []
    wrong = ["Reza", "رضا ۱", "", "‌", "-", "رضا_"]
    assert node(f"{as_js(wrong)}.filter(inputRules.right.name)") == []


def test_all_script_together_is_light() -> None:
    built = ROOT / "build/assets"
    files = sorted(built.glob("*.js"))
    assert [file.name for file in files] == ["idle.js", "portal.js", "proof-worker.js", "proof.js", "ticks.js"]
    assert sum(len(gzip.compress(file.read_bytes(), 9)) for file in files) <= 10_000
