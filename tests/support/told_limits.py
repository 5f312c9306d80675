"""Pages, SMS and commands where the limits are those of `tests/support/other_limits.py`: they tell these, and not
today's.

Not collected by itself: `tests/project/test_limits_in_sentences.py` runs it in a process of its own.
"""

from __future__ import annotations

import re
from html import unescape
from io import StringIO
from typing import Any

import jdatetime
import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.sessions import texts as session_texts
from accounts.staff import texts as staff_texts
from accounts.staff.forms import StaffCodeForm
from common import alarms, limits
from common.abuse import hashing_places
from common.errors import PortalError
from common.models import AlarmCode
from common.sentences import in_words
from registration import sms_texts
from registration.desk.forms import RejectForm, WorkForm
from registration.desk.texts import error_words
from registration.services import matching
from tamin_portal import views
from tests.support.accounts import administrator, citizen
from tests.support.entrances import CODE, another, ask_for_code, first_step, sign_in, told, type_code
from tests.support.journeys import MATCHES, OTHER_NAME, URL, Answers, Browser, code_on, let_pass
from tests.support.recoveries import Recoverer, account_of

pytestmark = pytest.mark.django_db(transaction=True)

# What these pages say where the limits are as in `limits.py`. A day of the month before an hour is none of it.
OLD = re.compile(
    r"(?<![\d/])(?:پنج بار|سه بار|ده دقیقه|۱۰ دقیقه|۱۵ دقیقه|یک هفته|آن هفته|سه روز|۷ روز|هفت سال|یک سال|۸ کاراکتر|۱۲۸"
    r"|شش رقم دارد|صد کاراکتر|ده ثانیه|۱۰ ثانیه|۱۲ ساعت|۲۴ ساعت|۷۲ ساعت|یک دقیقه پیش)"
)


def said(text: str) -> str:
    """`text`, in which nothing tells a limit of today."""
    assert OLD.findall(text) == []
    return text


def text_of(response: Any) -> str:
    return said(unescape(response.content.decode()))


def run(*command: str) -> str:
    out = StringIO()
    call_command(*command, stdout=out)
    return said(out.getvalue())


def test_the_registration_tells_them() -> None:
    browser = Browser()
    browser.step_one()
    code = code_on(MATCHES.mobile)
    page = text_of(browser.get(URL))
    assert "هر کد تا پنج دقیقه اعتبار دارد" in page
    assert "اگر ۲۵ دقیقه در این صفحه کاری نکنید" in page
    answers = [text_of(browser.step_two(another(code))) for _ in range(limits.CODE_TRIES + 1)]
    assert ["کد چهار بار اشتباه وارد شد" in answer for answer in answers] == [False] * limits.CODE_TRIES + [True]


def test_step_three_tells_them() -> None:
    browser = Browser()
    browser.confirm()
    child = str(jdatetime.date.today().year - 8)
    assert "ثبت نام کودکان زیر نه سال را" in text_of(browser.step_three(Answers.of(MATCHES, birth_year=child)))
    short = text_of(browser.step_three(Answers.of(MATCHES, password="Toranj7sa!")))
    page = text_of(browser.get(URL))
    assert "حداقل ۱۱ کاراکتر و شامل شرایط ذکر شده" in page
    assert "طول گذرواژه نباید کمتر از ۱۱ کاراکتر باشد" in page
    assert short.count("طول گذرواژه نباید کمتر از ۱۱ کاراکتر باشد") > page.count("طول گذرواژه نباید کمتر از")
    long = text_of(browser.step_three(Answers.of(MATCHES, password="Toranj7sangak!" * 7)))
    assert "طول گذرواژه نباید بیشتر از ۹۰ کاراکتر باشد" in long


def test_the_second_chance_tells_how_many() -> None:
    browser = Browser()
    browser.register(OTHER_NAME)
    matching.match_due()
    let_pass(limits.CODE_GAP)
    assert "۳ بار دیگر می‌توانید" in text_of(browser.get(browser.confirm(OTHER_NAME)["Location"]))


def test_recovery_tells_them() -> None:
    account_of()
    browser = Recoverer()
    browser.begin()
    page = text_of(browser.look("recovery_code"))
    assert "هر کد تا پنج دقیقه اعتبار دارد" in page
    assert "هر کد را چهار بار می‌توان امتحان کرد" in page
    assert "کمتر از دو دقیقه پیش کد درخواست شده است" in said("".join(told(browser.step("recovery_resend"))))
    let_pass(limits.CODE_GAP)
    browser.prove()
    assert "اگر در پنج روز دو بار پاسخ نادرست بدهید، تا پایان آن پنج روز" in text_of(browser.look("recovery_answer"))
    assert "حداکثر هفتاد کاراکتر بنویسید" in text_of(browser.step("recovery_answer", answer="ب" * 71))
    assert "دفعات باقی‌مانده: ۱" in text_of(browser.step("recovery_answer", answer="سبز"))
    browser.step("recovery_answer", answer="سبز")
    browser.look("recovery_wait")
    assert "پاسخ سوال امنیتی دو بار نادرست بود" in text_of(browser.look("recovery_branch"))


def test_the_end_of_a_recovery_tells_them() -> None:
    account_of()
    browser = Recoverer()
    browser.answered()
    assert "اگر ۲۵ دقیقه در آن کاری نکنید" in text_of(browser.look("recovery_wait"))
    browser = Recoverer()
    let_pass(limits.CODE_GAP)
    page = text_of(browser.matched().look("recovery_password"))
    assert "حداقل ۱۱ کاراکتر" in page
    assert "کمتر از ۱۱ کاراکتر" in text_of(browser.new_password("Chatr4mes!"))


def test_the_sign_in_tells_them() -> None:
    person = citizen()
    person.code_at_sign_in = True
    person.save()
    browser = Client()
    code = first_step(browser)
    assert "هر کد تا ۵ دقیقه اعتبار دارد و آن را چهار بار می‌توانید امتحان کنید" in text_of(browser.get(CODE))
    for _ in range(limits.CODE_TRIES):
        type_code(browser, another(code))
    assert "کد چهار بار اشتباه وارد شد" in text_of(type_code(browser, code))
    let_pass(limits.CODE_GAP)
    stranger = Client()
    assert "تا ۳۵ دقیقه" in said("".join(told(type_code(stranger, ask_for_code(stranger)))))
    assert "پس از ۲۵ دقیقه بدون استفاده؛ پس از ۷ ساعت" in said(session_texts.sentence("session_over"))


def test_a_pause_is_told() -> None:
    citizen()
    browser = Client()
    answers = [sign_in(browser, password="Wrong1234") for _ in range(limits.SIGN_IN_FREE_FAILURES + 2)]
    assert "۱۱ دقیقه دیگر دوباره تلاش کنید" in text_of(answers[-1])


def test_the_profile_tells_them() -> None:
    browser = Client()
    browser.force_login(citizen())
    assert "حداقل ۱۱ کاراکتر" in text_of(browser.get(reverse("profile_password")))


def test_staff_are_told_them() -> None:
    assert "ظرف ۲۰ دقیقه" in said(staff_texts.sentence("begin_again"))
    assert "هشت رقم دارد" in said(str(StaffCodeForm({"code": "12"}).errors["code"][0]))
    assert "کد چهار بار اشتباه وارد شد" in said(error_words(PortalError("code_tries")))


class LockNotAvailable(Exception):
    """As PostgreSQL's driver says it."""

    pgcode = "55P03"


def test_a_busy_page_tells_when_to_come_back() -> None:
    try:
        raise OperationalError from LockNotAvailable()
    except OperationalError:
        answer = views.server_error(RequestFactory().get("/"))
    assert (answer.status_code, answer["Retry-After"]) == (503, "20")
    assert "بیست ثانیه صبر کنید" in text_of(answer)


def test_who_gets_no_place_to_hash_is_told_when_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    citizen()
    none_for_strangers = hashing_places._Places(0)
    monkeypatch.setattr(hashing_places, "places", lambda: none_for_strangers)
    answer = sign_in(Client())
    assert (answer.status_code, answer["Retry-After"]) == (503, "20")
    assert "لطفاً ۲۰ ثانیه دیگر" in text_of(answer)


def test_a_link_that_is_over_tells_how_long_one_works() -> None:
    assert "تا ۴۸ ساعت کار می‌کند" in text_of(Client().get(reverse("not_me", args=["no-such-link"])))


def test_administrators_are_told_them() -> None:
    alarms.sound(AlarmCode.GIVEN_UP, detail="message 1")
    alarms.sound(AlarmCode.LETTER_GIVEN_UP, detail="letter 1")
    browser = Client()
    browser.force_login(administrator())
    health = text_of(browser.get("/admin/sms/message/health/"))
    assert "ارسال یک پیامک نتیجه به مدت دو روز ممکن نشد" in health
    assert "۱۳ ساعت گذشته" in health
    assert "بیش از ۱۷ دقیقه پیش" in health
    listed = text_of(browser.get("/admin/portal/alarm/"))
    assert "ارسال یک پیامک نتیجه به مدت دو روز ممکن نشد" in listed
    assert "ارسال یک ایمیل به مدت چهار روز ممکن نشد" in listed


def test_clerks_are_told_how_much_they_may_write() -> None:
    too_long = "ب" * 351
    assert WorkForm({"note": too_long}).errors["note"] == ["یادداشت خیلی بلند است؛ حداکثر ۳۵۰ کاراکتر."]
    assert RejectForm({"words": too_long}).errors["words"] == ["علت برای پیامک خیلی بلند است؛ حداکثر ۲۵۰ کاراکتر."]
    assert f"{too_long[:249]}…" in sms_texts.rejected(name="مریم", reason=too_long).splitlines()[-2]


def test_commands_tell_them() -> None:
    assert "صد و هشتاد روز استفاده نشده است" in run("purge")
    person = citizen()
    by = ("--by", "مینا راد", "--reason", "مدارک دیده شد")
    run("deactivate_account", person.national_id, *by)
    assert "تا ۶ روز در بازیابی" in run("reactivate_account", person.national_id, "--without-answer", *by)


def test_the_privacy_notice_and_the_guide_tell_them() -> None:
    client = Client()
    page = text_of(client.get("/portal/help/privacy"))
    for name in ("CODES_KEPT", "DRAFTS_KEPT", "WAY_BACK_KEPT", "MAIL_KEPT", "SESSION_IDLE", "BRANCH_LIFE"):
        assert in_words(getattr(limits, name)) in page
    assert in_words(limits.CODE_LIFE) in text_of(client.get("/portal/guide"))
    assert in_words(limits.SESSION_WARNING) in text_of(client.get("/portal/help/accessibility"))
