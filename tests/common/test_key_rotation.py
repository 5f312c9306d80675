"""A key is changed in mid-flow: with the old one as a fallback nobody notices; without it, what it signed is over."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.checks import run_checks
from django.test import Client

from accounts.closing import service as closing
from accounts.codes import challenges, issuing, trying
from accounts.codes import delivery as code_delivery
from accounts.life import notices
from accounts.models import CodePurpose, EventKind, FreezeLink, OneTimeCode, User
from accounts.sessions import devices
from accounts.sign_in import throttle
from common import limits
from common.abuse.origins import NOWHERE
from common.errors import PortalError
from common.secrets import keyed_hash, keyed_hash_matches, keyed_hashes
from registration.models import Registration
from registration.states import State
from tests.support.accounts import PASSWORD, REZA, citizen, clerk
from tests.support.journeys import MATCHES, Answers, Browser, code_on, row_of, step_shown, texts_on
from tests.support.paths import ROOT
from tests.support.production import SAFE

pytestmark = pytest.mark.django_db(transaction=True)
MOBILE, PHONE = "+989121234567", "09121234567"
HOME = "/portal/home"


def refused(work: Callable[[], Any]) -> str:
    with pytest.raises(PortalError) as error:
        work()
    return error.value.code


def test_a_key_that_is_named_twice_changes_nothing(settings):
    """The statements that are written once take each value once."""
    issuing.issue(purpose=CodePurpose.REGISTER, mobile=MOBILE, asker="a session")
    settings.CODE_HASH_KEY_FALLBACKS = ["an earlier key", settings.CODE_HASH_KEY, "an earlier key"]
    assert len(keyed_hashes("asker", "a session")) == 2
    assert issuing.wait(purpose=CodePurpose.REGISTER, mobile=MOBILE, asker="a session") > 0


def ask(asker: str = "mine") -> str:
    """A code for this asker; returns what the phone got."""
    issuing.issue(purpose=CodePurpose.REGISTER, mobile=MOBILE, asker=asker)
    return code_on(PHONE)


def try_code(typed: str, asker: str = "mine") -> OneTimeCode:
    return trying.try_code(purpose=CodePurpose.REGISTER, mobile=MOBILE, asker=asker, typed=typed)


# ── what is looked up or compared by a keyed hash


def test_a_hash_is_known_by_every_key_and_made_with_the_newest(rotate) -> None:
    old = keyed_hash("x", "value")
    rotate()
    rotate()
    assert keyed_hash("x", "value") != old
    assert keyed_hashes("x", "value")[0] == keyed_hash("x", "value")
    assert keyed_hashes("x", "value")[-1] == old
    assert keyed_hash_matches("x", "value", old)
    assert not keyed_hash_matches("y", "value", old)
    rotate(keep=False)
    assert not keyed_hash_matches("x", "value", old)


def test_a_code_on_its_way_is_right_after_the_change(rotate) -> None:
    typed = ask()
    rotate()
    code = try_code(typed)
    trying.consume(code, used_for="it")
    trying.consume(code, used_for="it")  # repeated after a lost answer
    assert refused(lambda: trying.consume(code, used_for="something else")) == "code_wrong"


def test_without_the_old_key_a_code_on_its_way_is_lost(rotate) -> None:
    typed = ask()
    rotate(keep=False)
    assert refused(lambda: try_code(typed)) == "code_expired"


def test_tries_before_and_after_the_change_count_together(rotate) -> None:
    typed = ask()
    wrong = "000000" if typed != "000000" else "111111"
    for number in range(limits.CODE_TRIES):
        if number == 2:
            rotate()
        assert refused(lambda: try_code(wrong)) == "code_wrong"
    assert refused(lambda: try_code(typed)) == "code_tries"


def test_ones_own_code_is_not_taken_for_another_devices(rotate) -> None:
    typed = ask()
    elsewhere = issuing.issue(purpose=CodePurpose.REGISTER, mobile=MOBILE, asker="theirs")
    assert not elsewhere.sent
    rotate()
    assert refused(lambda: try_code(typed, asker="theirs")) == "code_elsewhere"
    assert try_code(typed).tries == 1  # this one


def test_asking_again_after_the_change_does_not_begin_new_tries(rotate) -> None:
    ask()
    rotate()
    again = issuing.issue(purpose=CodePurpose.REGISTER, mobile=MOBILE, asker="mine")
    assert not again.sent
    assert OneTimeCode.objects.count() == 1


def test_a_right_code_uses_up_those_of_either_key(rotate) -> None:
    first = ask()
    OneTimeCode.objects.update(created_at=OneTimeCode.objects.get().created_at - limits.CODE_GAP)
    rotate()
    issuing.issue(purpose=CodePurpose.REGISTER, mobile=MOBILE, asker="mine")
    second = code_on(PHONE)
    assert len(set(OneTimeCode.objects.values_list("asker", flat=True))) == 2

    trying.consume(try_code(first), used_for="it")

    assert not OneTimeCode.objects.filter(used_at__isnull=True).exists()
    assert refused(lambda: trying.consume(try_code(second), used_for="something else")) == "code_wrong"


def test_the_page_goes_on_telling_where_the_code_is(rotate) -> None:
    ask()
    rotate()
    told = code_delivery.of_newest(purpose=CodePurpose.REGISTER, mobile=MOBILE, asker="mine")
    assert told is not None
    assert code_delivery.of_newest(purpose=CodePurpose.REGISTER, mobile=MOBILE, asker="theirs") is None


@pytest.mark.parametrize("name", ["CODE_HASH_KEY", "SECRET_KEY"])
def test_a_registration_goes_on_through_every_step(rotate, name) -> None:
    """The code, the grant in the session, and the session itself."""
    browser = Browser()
    browser.step_one()
    rotate(name)
    browser.step_two(code_on(MATCHES.mobile))
    assert step_shown(browser.get("/portal/registration")) == "identity"
    rotate(name)
    assert browser.step_three(Answers.of(MATCHES)).status_code == 302
    assert row_of(MATCHES).state == State.SUBMITTED


def test_without_the_old_key_a_grant_has_ended_and_a_code_gives_another(rotate) -> None:
    browser = Browser()
    browser.confirm()
    rotate(keep=False)
    browser.step_three(Answers.of(MATCHES))
    assert Registration.objects.get().state == State.MOBILE_CONFIRMED


def test_a_challenge_of_one_who_is_not_signed_in_goes_on(rotate) -> None:
    citizen()
    challenge = challenges.begin(purpose=CodePurpose.RECOVERY, national_id=REZA, origin=NOWHERE)
    challenges.send_due()
    challenge.refresh_from_db()
    rotate()
    assert challenges.prove(challenge=challenge, typed_code=code_on(PHONE)).stage == "proven"


def test_a_challenge_without_an_account_looks_the_same_after_the_change(rotate) -> None:
    challenge = challenges.begin(purpose=CodePurpose.RECOVERY, national_id=REZA, origin=NOWHERE)
    challenges.send_due()
    challenge.refresh_from_db()
    rotate()
    assert refused(lambda: challenges.prove(challenge=challenge, typed_code="123456")) == "code_elsewhere"
    assert OneTimeCode.objects.get().tries == 1


def test_a_not_me_link_in_an_sms_works_after_the_change(rotate) -> None:
    person = citizen()
    notices.record(account=person, kind=EventKind.PASSWORD_CHANGED)
    path = next(match[1] for text in texts_on(PHONE) if (match := re.search(r"(/portal/not-me/\S+)", text)))
    rotate()
    assert Client().get(path).status_code == 200
    assert Client().post(path).status_code == 302
    assert not User.objects.get(pk=person.pk).is_active


def test_without_the_old_key_a_not_me_link_is_over(rotate) -> None:
    person = citizen()
    notices.record(account=person, kind=EventKind.PASSWORD_CHANGED)
    path = next(match[1] for text in texts_on(PHONE) if (match := re.search(r"(/portal/not-me/\S+)", text)))
    rotate(keep=False)
    assert Client().post(path).status_code == 404
    assert FreezeLink.objects.get().used_at is None
    assert refused(lambda: closing.freeze(token=path.rpartition("/")[2])) == "link_over"


# ── sessions, cookies


def signed_in(account: User) -> Client:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(account)
    return browser


@pytest.mark.parametrize("name", ["CODE_HASH_KEY", "SECRET_KEY"])
def test_who_is_signed_in_stays_signed_in(rotate, name) -> None:
    browser = signed_in(citizen())
    began = browser.session["began"]
    rotate(name)
    for _ in range(2):
        assert browser.get(HOME).status_code == 200
    assert browser.session["began"] == began
    rotate(name)
    assert browser.get(HOME).status_code == 200


def test_the_old_key_may_go_as_soon_as_the_session_was_used(rotate, settings) -> None:
    """Its content and the account's hash in it are written anew under the new key."""
    browser = signed_in(citizen())
    rotate("SECRET_KEY")
    assert browser.get(HOME).status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    assert browser.get(HOME).status_code == 200


def test_a_leaked_key_without_a_fallback_signs_everybody_out(rotate) -> None:
    browser = signed_in(citizen())
    rotate("SECRET_KEY", keep=False)
    assert browser.get(HOME).status_code == 302


def test_a_page_that_was_open_before_the_change_can_be_sent_after_it(rotate) -> None:
    browser = signed_in(citizen())
    page = browser.get(HOME).content.decode()
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert found
    rotate("SECRET_KEY")
    assert browser.post("/portal/sign-out", {"csrfmiddlewaretoken": found[1]}).status_code == 302
    assert browser.get(HOME).status_code == 302


@pytest.mark.parametrize("name", ["CODE_HASH_KEY", "SECRET_KEY"])
def test_a_known_device_of_staff_keeps_its_own_tries(rotate, rf, name) -> None:
    clerk()
    browser = Client()
    browser.post("/admin/login/", {"username": "maryam", "password": PASSWORD})
    request = rf.get("/")
    request.COOKIES = {key: morsel.value for key, morsel in browser.cookies.items()}

    def known(who: str = "maryam") -> str:
        return devices.known_device(request, *throttle.account_keys(kind="staff", name=who))

    before = known()
    assert before
    rotate(name)
    assert known() == before
    assert known("somebody") == ""
    rotate(name, keep=False)
    assert known() == ""


def test_counted_failures_are_forgotten_and_begin_anew(rotate) -> None:
    """Said in the runbook: a guesser gets one more free round, and waits again after it."""
    citizen()
    browser, wrong = Client(), {"national_id": REZA, "password": "Wrong1234"}
    free = limits.SIGN_IN_FREE_FAILURES + 1
    assert [browser.post("/portal/", wrong).status_code for _ in range(free + 1)][-1] == 429
    rotate()
    assert [browser.post("/portal/", wrong).status_code for _ in range(free + 1)] == [200] * free + [429]


# ── settings

OLD, OLDER = (
    "cJn0eIbay4qjVNJGTVg0_9pxJoiJZLRxUdiEij6m55vgc510O46ZfaZOB_RPAh-0uQs",
    "WHsxjDi9CI4SdwoHV4sFdKZInFdsLJs8wB0rdNV-JTDt3Cv4LfuIdNTbMApMAYiAG0Q",
)


def faults() -> set[str]:
    return {message.id for message in run_checks(tags=["portal"])}


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("SECRET_KEY_FALLBACKS", ["short"], "portal.E023"),
        ("SECRET_KEY_FALLBACKS", [OLD, ""], "portal.E023"),
        ("SECRET_KEY_FALLBACKS", ["django-insecure-" + "x" * 60], "portal.E023"),
        ("CODE_HASH_KEY_FALLBACKS", ["demo-" + "x" * 60], "portal.E024"),
        ("CODE_HASH_KEY_FALLBACKS", [OLD, "short"], "portal.E024"),
        ("SECRET_KEY_FALLBACKS", [SAFE["SECRET_KEY"]], "portal.E025"),
        ("CODE_HASH_KEY_FALLBACKS", [OLD, SAFE["CODE_HASH_KEY"]], "portal.E025"),
        ("SECRET_KEY_FALLBACKS", [OLD, "o" * 67], "portal.E028"),
        ("CODE_HASH_KEY_FALLBACKS", ["changeme" * 8], "portal.E028"),
        ("ANSWER_HASH_KEY_FALLBACKS", ["short"], "portal.E086"),
        ("SECRET_KEY_FALLBACKS", [OLD], None),
        ("CODE_HASH_KEY_FALLBACKS", [OLD, OLDER], None),
    ],
)
def test_a_fallback_is_as_good_a_key_as_the_one_in_force(settings, name, value, fault) -> None:
    for safe in SAFE.items():
        setattr(settings, *safe)
    setattr(settings, name, value)
    assert faults() == ({fault} if fault else set())


def test_no_check_prints_a_key(settings) -> None:
    for safe in SAFE.items():
        setattr(settings, *safe)
    settings.SECRET_KEY_FALLBACKS = ["s3cr3t", SAFE["SECRET_KEY"]]
    told = "".join(f"{message.msg}{message.hint}" for message in run_checks(tags=["portal"]))
    assert "SECRET_KEY_FALLBACKS" in told
    assert "s3cr3t" not in told
    assert str(SAFE["SECRET_KEY"]) not in told


def test_the_containers_get_every_key() -> None:
    composed = (ROOT / "docker-compose.yml").read_text()
    for name in ("SECRET_KEY", "CODE_HASH_KEY", "ANSWER_HASH_KEY"):
        assert re.search(rf"^    {name}_FALLBACKS:$", composed, re.MULTILINE), name
        assert re.search(rf"^    {name}:$", composed, re.MULTILINE), name
