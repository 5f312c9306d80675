"""Step two says where the SMS is, to the session that asked for it and to nobody else."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from common import limits
from sms.gateways.base import Delivery, Receipt, ReceiptsBy, Refused, TryAgain, Unknown
from sms.models import Message, MessageKind, MessageState
from sms.reports import applying
from sms.sending import drain
from tests.support.journeys import MATCHES, URL, Browser, code_on, let_pass
from tests.support.pages import text_of
from tests.support.sms_fixtures import queue
from tests.support.sms_gateways import StubGateway

pytestmark = pytest.mark.django_db(transaction=True)
FRAGMENT = URL + "/delivery"
NUMBER = "۰۹۱۲•••۰۱۰۱"


@pytest.fixture
def pushing(use_gateways):
    use_gateways(StubGateway("box", receipts=ReceiptsBy.PUSH))


def asked() -> Browser:
    browser = Browser()
    browser.step_one()
    return browser


def told(browser: Client) -> str:
    """The sentence, the same on the page and in the part that the script asks for."""
    fragment = browser.get(FRAGMENT).content.decode()
    page = browser.get(URL).content.decode()
    assert fragment.strip() in page
    return text_of(f"<body>{fragment}")


def report(state: str) -> None:
    applying.apply("box", Receipt(Delivery(state), key=Message.objects.latest("pk").key))


def clock(moment) -> str:
    return timezone.localtime(moment).strftime("%H:%M").translate(str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹"))


def test_it_follows_the_sms_to_the_phone(pushing):
    browser = asked()
    assert told(browser) == f"کد در حال ارسال به {NUMBER} است."
    drain.drain()
    message = Message.objects.get()
    assert told(browser) == f"کد در ساعت {clock(message.sent_at)} به {NUMBER} ارسال شد."
    report("delivered")
    message.refresh_from_db()
    assert told(browser) == f"کد در ساعت {clock(message.final_at)} به تلفن همراه شما، {NUMBER} ، رسید."


def test_without_a_receipt_for_a_minute_it_says_what_to_do(pushing):
    browser = asked()
    drain.drain()
    Message.objects.update(sent_at=timezone.now() - limits.CODE_UNCONFIRMED_AFTER)
    words = told(browser)
    assert "اپراتور شما هنوز رسیدن آن را تأیید نکرده است" in words
    assert "800#" in words
    assert "تغییر شماره تلفن همراه" in words
    report("delivered")
    assert "رسید" in told(browser)


def test_a_gateway_without_receipts_has_nothing_to_confirm(use_gateways):
    use_gateways(StubGateway("mute"))
    browser = asked()
    drain.drain()
    Message.objects.update(sent_at=timezone.now() - timedelta(minutes=5))
    assert "ارسال شد" in told(browser)
    assert "تأیید" not in told(browser)


def test_an_undelivered_one_says_that_the_operator_said_no_and_is_not_sent_again(pushing):
    browser = asked()
    drain.drain()
    report("undelivered")
    words = told(browser)
    assert f"اپراتور شما اعلام کرد که پیامک کد به {NUMBER} نرسید." in words
    assert "هنوز" not in words
    for advice in ("خاموش", "آنتن", "800#", "ارسال دوباره کد", "تغییر شماره تلفن همراه"):
        assert advice in words
    assert "data-renew" not in browser.get(URL).content.decode()  # nothing more will be known
    drain.drain()
    assert Message.objects.count() == 1


def test_one_that_timed_out_is_not_said_to_have_been_sent(use_gateways):
    use_gateways(StubGateway("box", Unknown("time-out"), receipts=ReceiptsBy.PUSH))
    browser = asked()
    drain.drain()
    words = told(browser)
    assert f"معلوم نیست که کد به {NUMBER} ارسال شده است یا نه" in words
    assert "ارسال شد،" not in words
    assert "ارسال دوباره کد" in words
    assert "data-renew" in browser.get(URL).content.decode()
    report("delivered")
    assert "رسید" in told(browser)


def test_one_that_was_refused_is_no_riddle(use_gateways):
    use_gateways(StubGateway("box", Refused("411")))
    browser = asked()
    drain.drain()
    assert "ارسال نشد" in told(browser)
    assert "ارسال دوباره کد" in told(browser)


def test_one_that_no_gateway_takes_is_being_sent_until_its_time_is_over(use_gateways):
    use_gateways(StubGateway("box", *[TryAgain()] * 9))
    browser = asked()
    drain.drain()
    assert "در حال ارسال" in told(browser)
    Message.objects.update(state=MessageState.EXPIRED)
    assert "ارسال نشد" in told(browser)


def test_the_newest_code_counts_after_a_resend(pushing):
    browser = asked()
    drain.drain()
    report("delivered")
    let_pass(timedelta(minutes=2))
    browser.post(URL + "/resend", {"draft": browser.draft()})
    assert "در حال ارسال" in told(browser)


# ── to whom


def test_nobody_else_learns_anything(pushing):
    asked()
    drain.drain()
    assert Client().get(FRAGMENT).status_code == 404
    stranger = Browser()
    stranger.step_one()  # the same pair from another browser, within the minute: no SMS of its own
    words = told(stranger)
    assert "خودبه‌خود ارسال می‌شود" in words
    assert "ساعت" not in words


def test_the_third_in_the_queue_reads_one_wait_only_after_a_wrong_code_too():
    asked()
    for _ in range(2):
        last = Browser()
        last.step_one()
    assert re.search("تا حدود (۲ دقیقه|۱۱[۰-۹] ثانیه) دیگر", told(last))  # two gaps; in words as everywhere
    words = text_of(last.step_two("000000").content.decode())
    assert "کد این دستگاه خودبه‌خود ارسال می‌شود" in words
    assert len(re.findall("[۰-۹]+ (?:ثانیه|دقیقه) دیگر", words)) == 1


def test_a_browser_that_has_passed_step_two_is_not_told_any_more():
    browser = Browser()
    browser.step_one()
    browser.step_two(code_on(MATCHES.mobile))
    assert browser.get(FRAGMENT).status_code == 404


def test_the_answer_is_not_kept_by_any_cache_and_is_read_only(pushing):
    browser = asked()
    assert "no-store" in browser.get(FRAGMENT).headers["Cache-Control"]
    assert browser.post(FRAGMENT).status_code == 405


def test_asking_writes_nothing(pushing, django_assert_max_num_queries):
    browser = asked()
    with django_assert_max_num_queries(4) as captured:  # one reads all lines, once a second in a process
        browser.get(FRAGMENT)
    ours = [query["sql"] for query in captured.captured_queries if "accounts_session" not in query["sql"]]
    assert ours
    assert all(sql.startswith("SELECT") for sql in ours)


# ── with a script and without


def test_while_more_may_become_known_the_page_renews_itself_or_has_a_button(pushing):
    browser = asked()
    page = browser.get(URL).content.decode()
    assert f'data-renew="{FRAGMENT}"' in page
    assert "ببینید رسیده است یا نه" in page
    drain.drain()
    report("delivered")
    page = browser.get(URL).content.decode()
    assert "data-renew" not in page
    assert "ببینید رسیده است یا نه" not in page


def test_while_the_line_is_full_it_says_how_long_it_takes(pushing, settings):
    """Sixty codes are before it, and the gateway takes two a second."""
    settings.SMS_ENVIRONMENT = {"SMS_BOX_RATE": "2"}
    for number in range(60):
        queue(MessageKind.CODE, to=f"+98913{number:07}")
    browser = asked()
    words = told(browser)
    assert words.startswith("در حال حاضر پیامک‌های بسیاری ارسال می‌شود. کد شما تا حدود ")
    assert NUMBER in words
    Message.objects.filter(to__startswith="+98913").update(next_attempt_at=None)
    assert told(browser) == f"کد در حال ارسال به {NUMBER} است."
