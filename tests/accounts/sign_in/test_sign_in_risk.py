"""`SIGN_IN_CODE=risk`: when a right password alone is not enough, when it is, and who is never held up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import product

import pytest
from django.db.models import F
from django.http import HttpRequest
from django.test import Client
from django.utils import timezone

from accounts import backends
from accounts.codes import issuing
from accounts.life.housekeeping import purge_proofs
from accounts.models import Allowance, CodePurpose, EventKind, FailedSignIn, SignInFailures, User
from accounts.sign_in import flow as sign_in_flow
from accounts.sign_in import refusals, risk
from common import limits
from common.abuse import conduct
from common.abuse.conduct import Kind
from common.abuse.origins import origin_of
from common.models import Tally
from sms.models import Message
from tests.support.accounts import PASSWORD, REZA, citizen
from tests.support.entrances import (
    CODE,
    MOBILE,
    OUT,
    PAGE,
    WRONG,
    errors,
    first_step,
    kinds,
    proven,
    sign_in,
    signed_in,
    type_code,
)
from tests.support.journeys import let_pass, texts_on
from tests.support.paths import ROOT
from tests.support.risks import asks, browser, fail, strangers_fail, trusted_device

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("code_by_risk")]
HERE = "127.0.0.1"
ENOUGH = limits.SIGN_IN_RISK_FAILURES
EXCUSED = limits.SIGN_IN_RISK_OWN_EXCUSED


def put_under_watch(address: str = HERE) -> None:
    for _ in range(limits.CONDUCT_FLOORS["address"][0]):
        conduct.count(kind=Kind.PASSWORD, origin=origin_of(address))


# The table.

FAILURES = [(0, 0), (2, 0), (3, 0), (0, 3), (0, 5), (0, 6), (2, 3), (3, 3), (1, 5)]  # elsewhere, in this browser


DEVICES: dict[str, Callable[[], Client]] = {
    "trusted": trusted_device,
    "proof": lambda: proven(browser()),
    "unknown": browser,
}


def right(policy: str, wants_it: bool, device: str, watched: bool, elsewhere: int, own: int) -> bool:
    """Whether a code is asked for, as decision 0023 has it."""
    if device != "unknown":
        return False
    if wants_it or policy == "always":
        return True
    return policy == "risk" and (watched or elsewhere + max(own - 3, 0) >= 3)


def put_failures(request: HttpRequest, elsewhere: int, own: int) -> None:
    FailedSignIn.objects.all().delete()
    SignInFailures.objects.all().delete()
    marks = [f"{number:064}" for number in range(elsewhere)] + [
        risk.browser_of(request.META.get("CSRF_COOKIE", ""))
    ] * own
    FailedSignIn.objects.bulk_create(FailedSignIn(national_id=REZA, browser=mark) for mark in marks)


@pytest.mark.parametrize("watched", [False, True], ids=["calm", "watched"])
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("policy", ["risk", "choice", "always"])
def test_all_combinations_are_as_the_rule_says(settings, monkeypatch, user, policy, device, watched) -> None:
    request = DEVICES[device]().get(PAGE).wsgi_request
    monkeypatch.setattr(backends, "verify_password", lambda password, encoded: (password == PASSWORD, False))
    settings.SIGN_IN_CODE = policy
    for wants_it, (elsewhere, own) in product([False, True], FAILURES):
        Tally.objects.all().delete()  # no more than watched: these right passwords let nobody in
        if watched:
            put_under_watch()
        User.objects.filter(pk=user.pk).update(code_at_sign_in=wants_it)
        put_failures(request, elsewhere, own)
        passed = sign_in_flow.try_password(request, national_id=REZA, password=PASSWORD)
        assert passed
        expected = right(policy, wants_it, device, watched, elsewhere, own)
        assert passed.needs_code is expected, (wants_it, elsewhere, own)


def test_however_a_guesser_spreads_wrong_tries_over_browsers_the_sixth_leaves_no_way_without_a_code() -> None:
    """Whatever a browser says it is: no split of the tries between this browser and others is worth more."""
    request = browser().get(PAGE).wsgi_request
    account, secret = User.objects.get(), request.META["CSRF_COOKIE"]

    def is_asked() -> bool:
        return risk.requires_code(account=account, origin=origin_of(HERE), this_try=refusals.Try(0), csrf_secret=secret)

    free = ENOUGH - 1 + EXCUSED
    for own in range(free + 2):
        put_failures(request, free + 1 - own, own)
        assert is_asked(), own
    put_failures(request, free - EXCUSED, EXCUSED)
    assert not is_asked()


# As people meet it.


def test_without_any_reason_the_password_is_enough() -> None:
    strangers_fail(ENOUGH - 1)
    assert not asks(browser())
    assert not Message.objects.exists()


def test_after_a_strangers_third_failure_the_owner_types_a_code_once_and_then_no_more(user) -> None:
    strangers_fail(ENOUGH)
    owner = browser()
    type_code(owner, first_step(owner))
    assert signed_in(owner)
    owner.post(OUT)
    assert not asks(owner)
    assert not asks(browser())
    assert kinds(user) == [EventKind.SIGNED_IN] * 3


def test_a_good_sign_in_anywhere_lets_go_of_the_failures_before_it() -> None:
    phone = trusted_device()
    strangers_fail(ENOUGH)
    assert not asks(phone)
    assert not asks(browser())


def test_who_mistypes_on_a_new_device_is_excused_but_not_without_end() -> None:
    own = browser()
    fail(own, ENOUGH + EXCUSED - 1)
    assert not asks(own)
    other = browser()
    fail(other, ENOUGH + EXCUSED)
    assert asks(other)


def test_a_browser_that_keeps_no_cookie_is_nobodys_own() -> None:
    for _ in range(ENOUGH):
        fail(Client())
    assert asks(Client())


def test_an_address_under_watch_costs_a_code_and_another_address_none() -> None:
    put_under_watch()
    assert not asks(browser(REMOTE_ADDR="192.0.2.7"))
    assert asks(browser())


def test_the_neighbours_of_many_failures_are_watched_too() -> None:
    for number in range(limits.CONDUCT_FLOORS["network"][0]):
        conduct.count(kind=Kind.PASSWORD, origin=origin_of(f"192.0.2.{number % 200}"))
    assert asks(browser(REMOTE_ADDR="192.0.2.250"))


def test_failures_do_not_go_by_with_the_day(user) -> None:
    """Three tries one day and the right one the next are four tries."""
    strangers_fail(ENOUGH)
    refusals.notify_due()
    FailedSignIn.objects.update(created_at=F("created_at") - limits.FAILED_SIGN_INS_COUNT + timedelta(hours=1))
    purge_proofs(before=timezone.now() - limits.PROOFS_KEPT)
    assert asks(browser())


def test_an_account_without_a_mobile_is_not_asked_for_what_it_cannot_get(user) -> None:
    User.objects.filter(pk=user.pk).update(mobile="")
    strangers_fail(ENOUGH)
    assert not asks(browser())


def test_failures_at_another_account_are_no_reason() -> None:
    other = citizen(national_id="1234567891", mobile="+989121234568")
    for _ in range(ENOUGH):
        sign_in(Client(), other.national_id, WRONG)
    assert not asks(browser())


# What is said.


def test_the_page_of_the_code_says_why_and_how_a_branch_helps_who_has_not_the_sim(client) -> None:
    strangers_fail(ENOUGH)
    first_step(client)
    page = client.get(CODE).content.decode()
    assert "گذرواژه نادرست برای حساب کاربری شما وارد کرده است" in page
    assert "این سیم‌کارت در اختیار شما نیست؟" in page
    assert "اصل کارت ملی" in page
    assert 'href="/portal/branches"' in page


def test_who_chose_the_code_reads_of_no_risk(client, user) -> None:
    User.objects.filter(pk=user.pk).update(code_at_sign_in=True)
    first_step(client)
    assert "گذرواژه نادرست" not in client.get(CODE).content.decode()


def test_when_the_codes_are_used_up_the_page_says_when_and_shows_the_branch_way(client, user) -> None:
    for number in range(limits.CODES_PER_HOUR):
        asker = f"browser {number}"
        issuing.issue(purpose=CodePurpose.SECOND_STEP, mobile=user.mobile, asker=asker, allowance=Allowance.PASSWORD)
        let_pass(timedelta(seconds=61))
    put_under_watch()
    response = sign_in(client)
    assert response.status_code == 200
    assert "شعبه" in errors(response)[0]
    assert "مراحل کار در شعبه" in response.content.decode()
    assert len(texts_on(MOBILE)) == limits.CODES_PER_HOUR
    assert not signed_in(client)


@pytest.mark.parametrize(("policy", "off"), [("risk", "فقط در موارد مشکوک"), ("choice", "کدی لازم نیست")])
def test_the_profile_says_what_off_means(client, user, settings, policy, off) -> None:
    settings.SIGN_IN_CODE = policy
    sign_in(client)
    page = "/portal/profile/sign-in-code"
    assert ("فقط در این موارد" in client.get(page).content.decode()) is (policy == "risk")
    assert ("موارد مشکوک" in client.get("/portal/profile").content.decode()) is (policy == "risk")
    for on in ("on", "off"):
        answer = client.post(page, {"on": on, "current_password": PASSWORD}, follow=True)
        assert answer.status_code == 200
    assert off in answer.content.decode()


def test_the_residual_risk_is_written_down_with_the_figures_of_the_limits() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    address, network = (limits.CONDUCT_FLOORS[name][0] - 1 for name in ("address", "network"))
    assert f"a guesser has {ENOUGH + EXCUSED} tries at an account" in text
    assert f"fail {address} times an hour, and a network {network} times" in text
    assert f"cause the {ENOUGH} failures" in text
