"""The pages: the guide word for word, the promises of every form, and errors that need nothing to be shown."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import RequestFactory
from formtools.wizard.forms import ManagementForm

from accounts.sign_in.forms import CitizenSignInForm
from registration.forms.parts import ContactForm, PersonForm, ReviewForm
from registration.forms.steps import CodeForm, MobileForm
from tests.support.pages import text_of
from tests.support.paths import ROOT

GUIDE: dict[str, list[str]] = json.loads((ROOT / "tests" / "guide_sentences.json").read_text(encoding="utf-8"))
MAIL = ROOT / "templates" / "mail"  # no pages: a mail program takes styles only inline
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
ERRORS = ("400", "403", "403_csrf", "404", "413", "429", "500")
REGISTRATION: Any = SimpleNamespace(national_id="0012345679", mobile="+989121234567")


def render(template: str, **context: Any) -> str:
    form = context.get("form")
    if form is not None:
        context["wizard"] = {"form": form, "management_form": ManagementForm(prefix="registration_wizard")}
    return render_to_string(template, context, request=RequestFactory().get("/portal/registration"))


def step_one(**context: Any) -> str:
    return render("registration/step_mobile.html", form=MobileForm(prefix="mobile"), **context)


def step_two(code: str = "", **context: Any) -> str:
    form = CodeForm({"code-code": code} if code else None, prefix="code")
    if code:
        form.add_error("code", "wrong")
    return render("registration/step_code.html", form=form, masked_mobile="0912•••4567", **context)


def part(name: str) -> str:
    forms: dict[str, Any] = {"identity": PersonForm, "contact": ContactForm, "review": ReviewForm}
    answers = {"answers": {}} if name == "review" else {}
    form = forms[name](prefix=name, registration=REGISTRATION, **answers)
    return render(f"registration/step_{name}.html", form=form, registration=REGISTRATION)


def step_three() -> str:
    """All its parts, one after the other."""
    pages = [part(name) for name in ("identity", "contact", "review")]
    return pages[0] + "".join(page.split("<body", 1)[1] for page in pages[1:])


def done(**context: Any) -> str:
    return render("registration/done.html", tracking_code="۱۲۳ ۴۵۶ ۷۸۹۰", **context)


@pytest.mark.parametrize(
    ("page", "html"),
    [
        ("step one", step_one),
        ("step two", step_two),
        ("step three", step_three),
        ("duplicate", lambda: step_two(notice="duplicate")),
        ("wrong code", lambda: step_two(code="123456")),
        ("done automatic", lambda: done(state="submitted", policy="automatic")),
        ("done branch", lambda: done(state="submitted", policy="branch")),
    ],
)
def test_the_words_of_the_guide_are_on_the_page(page: str, html: Any) -> None:
    text = text_of(html())
    for sentence in GUIDE[page] + GUIDE["every page"]:
        assert " ".join(sentence.split()) in text


def test_the_short_notice_takes_the_place_of_the_long_one() -> None:
    long_bullet = GUIDE["step two"][2]
    assert long_bullet in text_of(step_two())
    for html in (step_two(code="123456"), step_two(notice="duplicate")):
        # The short notice begins with the salutation; the long one's first bullet would stand alone.
        assert f" {GUIDE['step two'][1]} " not in text_of(html)


def test_each_policy_shows_its_own_system_message() -> None:
    assert GUIDE["done branch"][0] not in text_of(done(state="submitted", policy="automatic"))
    assert GUIDE["done automatic"][1] not in text_of(done(state="submitted", policy="branch"))


@pytest.mark.parametrize("state", ["submitted", "referred", "awaiting_branch"])
def test_the_last_page_shows_the_tracking_code_and_a_way_on(state: str) -> None:
    html = done(state=state, policy="automatic")
    assert "۱۲۳ ۴۵۶ ۷۸۹۰" in html
    assert 'href="/portal/registration"' in html


def test_a_referred_person_reads_the_kind_and_the_papers_but_no_field() -> None:
    owner, identity = (
        text_of(done(state="referred", status=SimpleNamespace(state="referred", kind=kind, until=None)))
        for kind in ("owner", "identity")
    )
    assert "تأیید نشد که شماره تلفن همراه" in owner
    assert "تأیید نشد که شماره تلفن همراه" not in identity
    assert all("اصل شناسنامه" in text for text in (owner, identity))


@pytest.mark.parametrize(
    ("html", "words"),
    [
        (step_one, "ثبت نام"),
        (step_two, "ثبت نام"),
        (lambda: part("identity"), "ادامه"),
        (lambda: part("contact"), "ادامه"),
        (lambda: part("review"), "ثبت نام"),
    ],
    ids=["one", "two", "three, identity", "three, contact", "three, review"],
)
def test_the_main_button_is_the_first_submit_of_the_step(html: Any, words: str) -> None:
    forms = re.findall(r"<form.*?</form>", html(), re.S)
    step = next(form for form in forms if 'action="/portal/registration"' in form)
    buttons = re.findall(r'<button[^>]*type="submit"[^>]*>(.*?)</button>', step)
    assert buttons == [words]
    assert "novalidate" in step
    assert "csrfmiddlewaretoken" in step
    assert all("csrfmiddlewaretoken" in form for form in forms if 'method="post"' in form)


def test_carried_values_are_shown_and_not_sent() -> None:
    html = step_three()
    for name, value in (("carried-national-id", "۰۰۱۲۳۴۵۶۷۹"), ("carried-mobile", "۰۹۱۲۱۲۳۴۵۶۷")):
        control = re.search(rf'<input[^>]*id="{name}"[^>]*>', html)
        assert control
        assert f'value="{value}"' in control[0]
        assert "readonly" in control[0]
        assert " name=" not in control[0]


def test_resend_waits_and_says_how_long() -> None:
    assert 'data-wait="45"' in step_two(wait=45)
    assert "۰:۴۵" in step_two(wait=45)
    assert "data-clock" not in step_two(wait=0)
    # The script disables the button; without it a press early is no error, only the wait again.
    assert "disabled" not in step_two(wait=45)


def test_an_error_is_in_the_title_and_first_on_the_page() -> None:
    form = MobileForm({"mobile-national_id": '"><script>', "mobile-mobile": ""}, prefix="mobile")
    html = render("registration/step_mobile.html", form=form)
    assert "<title>خطا: ثبت نام-گام اول" in html
    assert html.index('id="error-summary"') < html.index("<h1>")
    assert 'href="#id_mobile-national_id"' in html
    assert 'href="#id_mobile-mobile"' in html
    assert '"><script>' not in html


def test_every_control_has_a_label_that_is_only_its_name() -> None:
    html = step_one() + step_two() + step_three() + render("accounts/sign_in.html", form=CitizenSignInForm())
    labels = dict(re.findall(r'<label for="([^"]+)">([^<]*)</label>', html))
    shown = re.findall(r'<(?:input(?![^>]*type="hidden")|select)[^>]*?\bid="([^"]+)"', html)
    assert shown
    assert set(shown) == set(labels)
    assert not re.search(r"<section[^>]*aria-label", html)  # a second element with a field's name would hide the field
    assert {"کد ملی", "اپراتور", "تلفن همراه", "کد شناسه", "سری شناسنامه (حرف)", "سری شناسنامه (عدد)"} <= set(
        labels.values()
    )
    assert {"روز", "ماه", "سال", "گذرواژه", "تکرار گذرواژه", "سوال", "پاسخ"} <= set(labels.values())


@pytest.mark.parametrize("status", ERRORS)
def test_an_error_page_needs_no_database_and_no_request(status: str) -> None:
    html = render_to_string(f"{status}.html")  # without the django_db mark a query would fail the test
    assert "<h1>" in html
    assert 'href="/portal/registration"' in html
    assert 'href="/portal/"' in html


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_no_template_needs_an_unsafe_content_security_policy(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    if path.parent != MAIL:
        assert not re.search(r"\sstyle=", source)
    assert not re.search(r"<style|\son[a-z]+=|javascript:", source)
    assert not re.search(r"<script(?![^>]*\bsrc=)", source)
    assert not re.search(r"https?://(?!www\.w3\.org)", source)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_persian_stands_in_the_catalogue_only(path: Path) -> None:
    assert not re.search(r"[\u0600-\u06ff]", path.read_text(encoding="utf-8"))
