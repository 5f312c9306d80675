"""Under pressure: a held code and a sign-in, with a proof of work, with patience, and for whom neither is asked."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from html import unescape
from typing import Any

import altcha
import pytest
from django.db.models import F
from django.test import Client
from django.utils import timezone

from accounts.codes import issuing, requesters
from accounts.models import Challenge, CodePurpose, OneTimeCode, Session
from accounts.tasks import send_codes, watch
from common import alarms, limits
from common.abuse import conduct
from common.abuse.conduct import Kind, Level
from common.abuse.origins import origin_of
from common.models import AlarmCode, Tally, Turn
from registration.models import Registration
from registration.states import State
from sms.models import Message
from tests.support.accounts import PASSWORD, REZA, citizen, clerk, spy_on_hashing
from tests.support.entrances import BY_CODE, CODE, PAGE, UNKNOWN, WRONG, errors, proven, sign_in, signed_in
from tests.support.journeys import MATCHES, OTHER_NAME, URL, Browser, code_on, registration_in
from tests.support.second_chances import owner_referred

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quickly_solved")]
HERE = "127.0.0.1"
FLOODS = "203.0.113.5"
ADMIN = "/admin/login/"


def flood(kind: Kind, *, times: int = 0, address: str = "198.51.100.1") -> None:
    """So much was tried in vain; from elsewhere, if no address is given: all together are under pressure."""
    times = times or limits.CONDUCT_FLOORS["population"][1]
    origin = origin_of(address)
    conduct._add(conduct._scopes(kind, origin, ""), conduct.slot_of(timezone.now()), tried=times, good=0)


def posed(page: Any) -> str:
    """The solution of what the page gives the browser to solve; "": nothing is asked."""
    found = re.search(r'data-proof="([^"]+)"', page.content.decode())
    if not found:
        return ""
    challenge = altcha.Challenge.from_dict(json.loads(unescape(found[1])))
    solution = altcha.solve_challenge(challenge)
    assert solution is not None
    return altcha.Payload(challenge, solution).to_base64()


def a_minute_passes() -> None:
    minute = timedelta(minutes=1)
    Turn.objects.update(created_at=F("created_at") - minute, called_at=F("called_at") - minute)


# ── codes


def test_at_normal_level_nobody_sees_anything_of_it():
    browser = Browser()
    browser.step_one()
    page = browser.get(URL)
    assert not posed(page)
    assert "proof" not in page.content.decode()
    assert Message.objects.count() == 1


def test_a_held_code_goes_with_the_proof_and_nothing_typed_is_lost():
    flood(Kind.CODE)
    browser = Browser()
    assert browser.step_one()["Location"] == URL
    page = browser.get(URL)
    assert "درخواست‌های بسیاری" in page.content.decode()
    assert not Message.objects.exists()

    answer = browser.post(f"{URL}/proof", {"proof": posed(page)})

    assert "درخواست‌های بسیاری" not in answer.content.decode()
    browser.step_two(code_on(MATCHES.mobile))
    assert Registration.objects.get().state == State.MOBILE_CONFIRMED
    assert not posed(browser.get(URL))


def test_a_held_code_goes_in_its_turn_without_a_proof():
    flood(Kind.CODE)
    browser = Browser()
    browser.step_one()
    page = browser.get(URL).content.decode()
    assert '<noscript><meta http-equiv="refresh" content="6; url=?renewed">' in page
    assert "۶ ثانیه" in page
    send_codes()
    browser.step_two(code_on(MATCHES.mobile))
    assert Registration.objects.get().state == State.MOBILE_CONFIRMED


def test_a_wrong_code_on_a_page_whose_code_is_held_speaks_of_no_other_wait_and_no_button():
    citizen()
    flood(Kind.CODE)
    browser = Browser()
    browser.step_one()
    browser.post(f"{URL}/resend", {"draft": browser.draft()})
    assert "نیازی به درخواست دوباره نیست" in browser.get(URL).content.decode()
    answers = [browser.step_two("000000")]
    browser = Client()
    browser.post("/portal/recovery", {"national_id": REZA})
    answers.append(browser.post("/portal/recovery/code", {"code": "000000"}))
    assert "<span data-waiting hidden>" in answers[1].content.decode()
    for answer in answers:
        words = answer.content.decode()
        assert "کد این دستگاه خودبه‌خود ارسال می‌شود" in words
        assert "ارسال دوباره کد» را بزنید" not in words.split("<details")[0]
        assert "دیگر می‌توانید کد بخواهید" not in words


def test_a_minute_after_the_code_a_recovery_speaks_of_the_button_and_not_of_no_seconds():
    citizen()
    browser = Client()
    browser.post("/portal/recovery", {"national_id": REZA})
    Challenge.objects.update(asked_at=F("asked_at") - limits.CODE_GAP)
    words = browser.post("/portal/recovery/code", {"code": "000000"}).content.decode()
    assert "برای گرفتن کد در این دستگاه «ارسال دوباره کد» را بزنید" in words
    assert "۰ ثانیه" not in words


def test_a_proof_of_one_session_lets_no_other_ones_code_go():
    flood(Kind.CODE)
    mine, another = Browser(), Browser()
    mine.step_one()
    another.step_one(OTHER_NAME)
    solution = posed(mine.get(URL))
    another.post(f"{URL}/proof", {"proof": solution})
    assert not Message.objects.exists()
    for _ in range(2):
        mine.post(f"{URL}/proof", {"proof": solution})
    assert Message.objects.count() == 1
    assert another.post("/portal/registration/proof", {"proof": ""}).status_code == 200
    assert Browser().post(f"{URL}/proof", {"proof": solution}).status_code == 404


def test_step_one_itself_asks_for_nothing_and_writes_nothing(django_assert_num_queries):
    flood(Kind.CODE)
    with django_assert_num_queries(0):
        page = Browser().get(URL)
    assert not posed(page)


def test_neighbours_of_a_good_address_do_not_pay_for_a_flood():
    flood(Kind.CODE)
    for number in range(3):
        conduct.count(kind=Kind.CODE, origin=origin_of(HERE))
        conduct.credit(kind=Kind.CODE, origin=origin_of(HERE))
        browser = Browser()
        browser.step_one(mobile=f"0912000077{number}")
    assert Message.objects.count() == 3


def test_an_address_of_good_conduct_shows_no_cheap_challenge_of_a_code_that_a_flood_asked_for():
    flood(Kind.CODE)
    flood(Kind.CODE, times=30, address=FLOODS)
    browser = Browser(REMOTE_ADDR=FLOODS)
    browser.step_one()
    page = browser.get(URL, REMOTE_ADDR="198.18.0.1")
    found = re.search(r'data-proof="([^"]+)"', page.content.decode())
    assert json.loads(unescape(found[1]))["parameters"]["data"]["price"] == limits.PROOF_DEAREST


def test_an_address_of_good_conduct_fetches_no_cheap_proofs_for_one_that_floods_the_sign_in():
    flood(Kind.PASSWORD)
    flood(Kind.PASSWORD, times=30, address=FLOODS)
    browser = Client(REMOTE_ADDR=FLOODS)
    typed = {"national_id": UNKNOWN, "password": WRONG}
    cheap = posed(browser.get(PAGE, REMOTE_ADDR="198.18.0.1"))
    answer = browser.post(PAGE, typed | {"proof": cheap})
    assert answer.status_code == 429
    assert browser.post(PAGE, typed | {"proof": posed(answer)}).status_code == 200


def test_one_line_puts_its_neighbours_under_no_pressure_by_what_costs_it_nothing():
    mine, around = (limits.CONDUCT_FLOORS[name][1] for name in ("address", "network"))
    mine_fresh = mine * limits.CONDUCT_FRESH_TIMES["address"]
    flood(Kind.PASSWORD, times=mine, address=FLOODS)
    flood(Kind.CODE, times=mine_fresh, address=FLOODS)
    origin = origin_of(FLOODS)
    for _ in range(around - mine):
        answer = Client(REMOTE_ADDR=FLOODS).post(PAGE, {"national_id": UNKNOWN, "password": WRONG})
        assert answer.status_code == 429
    for _ in range(around * limits.CONDUCT_FRESH_TIMES["network"] - mine_fresh):
        by = requesters.weigh(origin=origin, mobile="+989120000101")
        assert by.is_held

    neighbour = origin_of("203.0.113.99")
    for kind in (Kind.PASSWORD, Kind.CODE):
        assert conduct.look(kind=kind, origin=origin).level == Level.PRESSURE
        assert (
            conduct.look(kind=kind, origin=neighbour, prefix="+989120000101"[: limits.PREFIX_LENGTH]).level
            < Level.PRESSURE
        )


def test_numbers_are_under_pressure_by_what_their_neighbours_were_sent_not_by_who_waits_at_one():
    enough = limits.CONDUCT_FLOORS["prefix"][1] * limits.CONDUCT_FRESH_TIMES["prefix"]
    prefix = MATCHES.mobile.replace("0", "+98", 1)[: limits.PREFIX_LENGTH]

    def level() -> Level:
        return conduct.look(kind=Kind.CODE, origin=origin_of("198.18.0.1"), prefix=prefix).prefix

    for number in range(enough + 1):
        asker = {"purpose": CodePurpose.REGISTER, "mobile": "+989120000101", "asker": f"stranger {number}"}
        issuing.issue(**asker, by=requesters.weigh(origin=origin_of(FLOODS), mobile="+989120000101"))
    assert level() == Level.NORMAL
    for number in range(enough):
        mobile = f"+98912000{number:04}"
        asker = {"purpose": CodePurpose.REGISTER, "mobile": mobile, "asker": "stranger"}
        issuing.issue(**asker, by=requesters.weigh(origin=origin_of(f"203.0.{number}.7"), mobile=mobile))
    assert level() == Level.PRESSURE


@pytest.mark.parametrize("national_id", [REZA, UNKNOWN])
@pytest.mark.parametrize(("begin", "page", "pay"), [
    (BY_CODE, CODE, "/portal/sign-in/proof"),
    ("/portal/recovery", "/portal/recovery/code", "/portal/recovery/proof"),
])  # fmt: skip
def test_a_held_challenge_looks_alike_for_every_id_and_goes_with_the_proof(national_id, begin, page, pay):
    citizen()
    flood(Kind.CODE)
    browser = Client()
    browser.post(begin, {"national_id": national_id})
    send_before = Challenge.objects.get()
    assert (send_before.is_held, send_before.next_attempt_at) == (True, None)
    shown = browser.get(page)
    assert "درخواست‌های بسیاری" in shown.content.decode()
    answer = browser.post(pay, {"proof": posed(shown)})
    assert answer.status_code == 200
    assert "درخواست‌های بسیاری" not in answer.content.decode()
    assert not Challenge.objects.get().is_held
    send_codes()
    assert Message.objects.count() == (national_id == REZA)


def test_a_held_challenge_goes_in_its_turn():
    citizen()
    flood(Kind.CODE)
    Client().post("/portal/recovery", {"national_id": REZA})
    send_codes()
    assert Message.objects.count() == 1


def test_the_second_chances_number_page_holds_and_lets_go():
    browser = Browser()
    owner_referred(browser)
    flood(Kind.CODE)
    Tally.objects.update(good=0)  # no good end of the first code speaks for this address
    sent = Message.objects.count()
    typed = {"draft": browser.draft(), "operator": "mci", "mobile": "09120000555"}
    assert browser.post(f"{URL}/number", typed)["Location"] == f"{URL}/number/code"
    shown = browser.get(f"{URL}/number/code")
    assert Message.objects.count() == sent
    browser.post(f"{URL}/number/proof", {"proof": posed(shown), "draft": browser.draft()})
    assert Message.objects.count() == sent + 1


# ── sign-in


def test_under_pressure_a_sign_in_without_proof_costs_no_hash_and_keeps_the_id(monkeypatch):
    citizen()
    flood(Kind.PASSWORD)
    work = spy_on_hashing(monkeypatch)
    answers = []
    for national_id in (REZA, UNKNOWN):
        answer = sign_in(Client(), national_id)
        assert answer.status_code == 429
        assert int(answer["Retry-After"]) <= 60
        page = answer.content.decode()
        assert f'value="{national_id}"' in page
        assert PASSWORD not in page
        answers.append(errors(answer))
    assert answers[0] == answers[1]
    assert work == []
    assert not Session.objects.exists()


def test_a_sign_in_with_the_proof_of_its_page_goes_through_once():
    citizen()
    flood(Kind.PASSWORD)
    client = Client()
    solution = posed(client.get(PAGE))
    assert sign_in(Client(), REZA, PASSWORD, proof=solution).status_code == 429  # another browser
    assert sign_in(client, REZA, WRONG, proof=solution).status_code == 200
    again = sign_in(client, REZA, PASSWORD, proof=solution)
    assert again.status_code == 429
    assert sign_in(client, REZA, PASSWORD, proof=posed(again)).status_code == 302
    assert signed_in(client)


def test_a_sign_in_without_script_goes_through_in_its_turn_once():
    citizen()
    flood(Kind.PASSWORD)
    client = Client()
    refused = sign_in(client)
    assert "۶ ثانیه" in refused.content.decode()
    send_codes()
    assert sign_in(Client()).status_code == 429  # the turn is this browser's
    assert sign_in(client).status_code == 302
    assert signed_in(client)


def test_a_turn_comes_also_while_no_worker_runs():
    citizen()
    flood(Kind.PASSWORD)
    client = Client()
    sign_in(client)
    assert sign_in(client).status_code == 302


def test_trusted_devices_and_who_has_proven_the_mobile_are_not_asked():
    citizen()
    trusted, by_code = Client(), proven(Client())
    sign_in(trusted, remember="on")
    trusted.post("/portal/sign-out")
    flood(Kind.PASSWORD, times=5_000)
    assert sign_in(by_code).status_code == 302
    assert sign_in(trusted).status_code == 302


def test_who_sprays_from_one_address_is_asked_and_everybody_else_is_not():
    citizen()
    floor = limits.CONDUCT_FLOORS["address"][1]
    codes = [sign_in(Client(), f"{number:010}", WRONG).status_code for number in range(floor + 5)]
    valid = [sign_in(Client(REMOTE_ADDR="192.0.2.7"), REZA).status_code]
    assert valid == [302]
    assert sign_in(Client(), REZA).status_code in (302, 429), codes


def test_staff_are_asked_as_citizens_are(monkeypatch):
    clerk()
    flood(Kind.PASSWORD)
    work = spy_on_hashing(monkeypatch)
    client = Client()
    typed = {"username": "maryam", "password": PASSWORD}
    refused = client.post(ADMIN, typed)
    assert refused.status_code == 429
    assert 'form="login-form"' in refused.content.decode()
    assert work == []
    assert client.post(ADMIN, typed | {"proof": posed(refused)}).status_code == 302


def test_a_refused_sign_in_counts_towards_no_pause_of_the_account():
    citizen()
    flood(Kind.PASSWORD)
    for _ in range(10):
        sign_in(Client(), REZA, WRONG)
    client = Client()
    assert sign_in(client, proof=posed(client.get(PAGE))).status_code == 302


# ── alarms


def standing() -> set[str]:
    return {alarm.code for alarm in alarms.standing("sms")}


def test_alarms_of_spraying_and_pumping_sound_and_end_by_themselves():
    flood(Kind.PASSWORD, times=400)
    watch()
    assert standing() == {AlarmCode.SPRAYING}
    Tally.objects.update(slot=F("slot") - 13)
    flood(Kind.CODE, times=400)
    watch()
    assert standing() == {AlarmCode.PUMPING}
    Tally.objects.all().delete()
    watch()
    assert standing() == set()


def test_tracking_codes_tried_at_many_ids_are_an_alarm_of_their_own():
    flood(Kind.STATUS, times=400)
    watch()
    assert {(alarm.code, alarm.subject) for alarm in alarms.standing("sms")} >= {(AlarmCode.SPRAYING, "status")}
    Tally.objects.all().delete()
    watch()
    assert standing() == set()


@pytest.mark.parametrize(
    ("kind", "alarm"),
    [
        (Kind.PASSWORD, AlarmCode.SPRAYING),
        (Kind.STATUS, AlarmCode.SPRAYING),
        (Kind.CODE, AlarmCode.PUMPING),
    ],
)
def test_one_address_that_a_busy_hour_would_hide_is_an_alarm_of_its_own(kind, alarm):
    """Nine of ten succeed, in ten thousand tries; one address tries a thousand times in vain."""
    slot = conduct.slot_of(timezone.now()) - 3  # codes of then cannot be used any more
    carrier, stranger = origin_of("203.0.113.1"), origin_of("198.51.100.1")
    conduct._add(conduct._scopes(kind, carrier, ""), slot, tried=10_000, good=9_000)
    watch()
    assert standing() == set()
    conduct._add(conduct._scopes(kind, stranger, ""), slot, tried=1_000, good=0)
    assert not conduct.population(kind)[0]
    watch()
    assert standing() == {alarm}
    Tally.objects.update(slot=F("slot") - 13)
    watch()
    assert standing() == set()


def test_codes_that_may_still_be_used_are_no_alarm_of_an_address():
    origin = origin_of("203.0.113.1")
    conduct._add(conduct._scopes(Kind.CODE, origin, ""), conduct.slot_of(timezone.now()), tried=400, good=0)
    assert conduct.loudest(Kind.CODE) is None


def test_a_sign_in_and_a_code_and_a_status_come_to_a_good_end():
    citizen()
    sign_in(Client())
    browser = Browser()
    browser.step_one()
    browser.step_two(code_on(MATCHES.mobile))
    row = registration_in(State.SUBMITTED, person=OTHER_NAME)
    Client().post("/portal/registration/status", {"national_id": row.national_id, "tracking_code": row.tracking_code})
    for kind in Kind:
        assert conduct.population(kind)[1:] == (1, 1), kind
        assert conduct.look(kind=kind, origin=origin_of(HERE)).proven


def test_the_desk_and_what_comes_after_a_password_are_never_held():
    flood(Kind.CODE)
    user = citizen()
    user.code_at_sign_in = True
    user.save()
    client = Client()
    assert sign_in(client)["Location"] == CODE
    assert Message.objects.count() == 1
    assert not OneTimeCode.objects.filter(is_held=True).exists()
