"""What people read on their phones: the guide's words, and codes in one part."""

from __future__ import annotations

import pytest
from django.urls import reverse

from common import limits
from registration import sms_texts
from sms import parts, texts

WELCOME = "به سیستم های متمرکز سازمان تامین اجتماعی خوش آمدید. حساب کاربری شما ایجاد گردید."
VISIT = (
    "تأیید اطلاعات شما با مشکل مواجه شد. لطفاً جهت تکمیل ثبت نام با در دست داشتن مدارک هویتی به نزدیکترین شعبه "
    "مراجعه فرمائید."
)
TO_BRANCH = "برای فعال سازی نام کاربری خود به شعبه بیمه پردازی یا نزدیک ترین شعبه سازمان تامین اجتماعی مراجعه فرمائید."
NAME = "مریم احمدی"
PURPOSES = ("ثبت نام", "ورود", "بازیابی گذرواژه", "تغییر تلفن همراه", "فعال سازی حضوری")


def test_a_successful_registration_says_the_guides_words_to_the_person_by_name():
    assert sms_texts.account_created(name=NAME) == f"جناب آقای/سرکار خانم {NAME}\n{WELCOME}"


def test_a_mismatch_says_the_guides_words_and_the_tracking_code_to_take_along():
    text = sms_texts.visit_branch(name=NAME, tracking_code="1234567890")
    assert text == f"جناب آقای/سرکار خانم {NAME}\n{VISIT}\nکد پیگیری: ۱۲۳\u00a0۴۵۶\u00a0۷۸۹۰"
    assert sms_texts.visit_branch(name=NAME) == f"جناب آقای/سرکار خانم {NAME}\n{VISIT}"


@pytest.mark.parametrize(
    ("gender", "salutation"),
    [("female", "سرکار خانم"), ("male", "جناب آقای"), ("", "جناب آقای/سرکار خانم")],
)
def test_the_salutation_follows_the_gender_where_it_is_known(gender, salutation):
    for text in (
        sms_texts.account_created(name=NAME, gender=gender),
        sms_texts.visit_branch(name=NAME, gender=gender),
        sms_texts.activate_at_branch(name=NAME, gender=gender),
        sms_texts.activated(name=NAME, gender=gender),
        sms_texts.rejected(name=NAME, gender=gender),
    ):
        assert text.splitlines()[0] == f"{salutation} {NAME}"


@pytest.mark.parametrize("text", [sms_texts.account_created, sms_texts.activated])
@pytest.mark.parametrize("name", ["علی رضایی", "سید محمدحسین موسوی‌نژاد اردبیلی اصل"])
def test_the_way_back_to_a_service_costs_one_part_at_most(text, name):
    address = "eservices.tamin.ir/to/3f9a2b1c"
    for service in ("سوابق بیمه", "سوابق بیمه و مستمری بازنشستگان", "ب" * 80):
        said = text(name=name, gender="male", service=service, address=address)
        assert said.startswith(text(name=name, gender="male") + "\n")
        line, shown = said.splitlines()[-2:]
        assert shown == address
        assert line in (f"ادامه در سامانه «{service}»", "ادامه در سامانه")
        assert parts.count(said) <= parts.count(text(name=name, gender="male")) + 1
    assert "«سوابق بیمه»" in text(name=NAME, gender="female", service="سوابق بیمه", address="auth.tamin.ir/to/3f9a2b1c")


def test_where_a_branch_activates_the_sms_says_so_in_the_guides_words():
    assert sms_texts.activate_at_branch(name=NAME).splitlines()[1:] == [WELCOME, TO_BRANCH]


@pytest.mark.parametrize("purpose", PURPOSES)
@pytest.mark.parametrize("host", ["auth.tamin.ir", "127.0.0.1:9090", ""])
def test_a_code_names_its_purpose_and_fits_one_part(purpose, host):
    text = texts.code(code="048291", purpose_label=purpose, host=host)
    assert f"کد شناسه {purpose}: 048291" in text
    assert parts.count(text) == 1
    assert texts.code_in(text) == "048291"


def test_the_last_line_of_a_code_is_what_a_browser_looks_for():
    text = texts.code(code="048291", purpose_label="ثبت نام", host="auth.tamin.ir:9090")
    assert text.splitlines() == ["تامین اجتماعی", "کد شناسه ثبت نام: 048291", "@auth.tamin.ir #048291"]


def test_a_long_host_costs_the_senders_name_first():
    text = texts.code(code="048291", purpose_label="ثبت نام", host="portal.insurance.example.ir")
    assert text.splitlines()[0] == "کد شناسه ثبت نام: 048291"
    assert parts.count(text) == 1


def test_a_text_without_a_code_has_none():
    assert texts.code_in(sms_texts.superseded(tracking_code="1234567890")) == ""


def test_a_rejection_gives_the_reason_and_a_long_one_still_fits():
    assert "علت: تصویر مدارک خوانا نیست" in sms_texts.rejected(name=NAME, reason=" تصویر مدارک\n خوانا نیست ")
    assert "علت" not in sms_texts.rejected(name=NAME)
    assert len(sms_texts.rejected(name="ن" * 141, reason="م " * 2000)) <= limits.SMS_LONGEST


@pytest.mark.parametrize("sentence", [sms_texts.superseded, sms_texts.delayed])
def test_news_about_a_request_carries_its_tracking_code_if_it_has_one(sentence):
    assert "کد پیگیری: ۱۲۳\u00a0۴۵۶\u00a0۷۸۹۰" in sentence(tracking_code="1234567890")
    assert "کد پیگیری" not in sentence(tracking_code="")


def test_who_lost_to_another_registration_learns_the_way_to_contest_and_nobodys_name():
    text = sms_texts.superseded(tracking_code="1234567890")
    assert "نزدیکترین شعبه" in text
    assert "جناب" not in text


def test_the_status_page_is_named_where_it_costs_no_further_part(client):
    host, code = "auth.tamin.ir", "1234567890"
    short = sms_texts.visit_branch(name="رضا کریمی", gender="male", tracking_code=code, host=host)
    assert short.splitlines()[-1] == f"{host}{sms_texts.STATUS_PAGE}"
    assert parts.count(short) == parts.count(
        sms_texts.visit_branch(name="رضا کریمی", gender="male", tracking_code=code)
    )
    long_name = "سید محمدرضا حسینی‌نژاد طباطبایی"
    for say in (
        lambda host: sms_texts.visit_branch(name=long_name, tracking_code=code, host=host),
        lambda host: sms_texts.delayed(tracking_code=code, host=host),
    ):
        assert say(host) == say("")
    assert client.get(sms_texts.STATUS_PAGE)["Location"] == reverse("registration_status")
