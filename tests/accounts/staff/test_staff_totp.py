"""One-time codes of staff: setting them up, the second step at /admin/, and everything that must not get around it."""

from __future__ import annotations

import datetime as dt
import io
import logging
import re
import time
from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import URLPattern, URLResolver
from django.utils import timezone
from django.utils.translation import gettext
from django_otp.models import Device
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import Session, User
from accounts.sessions.ending import end_sessions
from accounts.sessions.listeners import Reason
from accounts.sign_in import texts as sign_in_texts
from accounts.staff import odds, totp
from accounts.staff import texts as staff_texts
from common import limits
from common.errors import PortalError
from common.persian import format_jalali, to_persian_digits
from tests.support.accounts import PASSWORD, administrator, citizen, clerk, together
from tests.support.pages import assert_fits_the_policy
from tests.support.paths import ROOT

pytestmark = pytest.mark.django_db
LOGIN, CODE, DEVICE = "/admin/login/", "/admin/login/code/", "/admin/login/device/"
OPEN = (LOGIN, CODE, DEVICE)  # to whoever is not in
WRONG = PortalError("totp_wrong")


@pytest.fixture(autouse=True)
def required(settings) -> None:
    """As outside a demo; a test of the demo says so."""
    settings.STAFF_TOTP = "required"


@pytest.fixture
def demo(settings) -> None:
    settings.STAFF_TOTP = "optional"


def device_for(user: User) -> TOTPDevice:
    return TOTPDevice.objects.create(user=user, name="app", confirmed=True)


def code_of(device: TOTPDevice, *, later: float = 0, steps: int = 0) -> str:
    """What the app shows: on a clock that is `later` seconds ahead, `steps` codes further on."""
    shown = TOTP(device.bin_key, drift=steps)
    shown.time = time.time() + later
    return f"{shown.token():06}"


def turned(code: str) -> str:
    """As a phone that writes from right to left shows `123 456`."""
    return code[3:] + code[:3]


def wrong_code(device: TOTPDevice) -> str:
    """None of those that are right now, before or after."""
    near = {code_of(device, steps=steps) for steps in range(-3, 4)}
    near |= {turned(code) for code in near}
    return next(code for code in ("111111", "222222", "333333", *map(str, range(444444, 444453))) if code not in near)


def password(client: Client, username: str = "maryam", **more: str):
    return client.post(LOGIN, {"username": username, "password": PASSWORD, **more})


def type_code(client: Client, code: str, page: str = CODE, **more: str):
    return client.post(page, {"code": code, **more})


def key(client: Client) -> str:
    return client.cookies["sessionid"].value


def is_in(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


def errors(response) -> list[str]:
    return [str(message) for messages in response.context["form"].errors.values() for message in messages]


def told(response) -> str:
    return Client.get(response.client, response["Location"]).content.decode()


def let_pass(device: TOTPDevice, seconds: float) -> None:
    """As if the last wrong code had been typed that much earlier."""
    device.refresh_from_db()
    device.throttling_failure_timestamp -= dt.timedelta(seconds=seconds)
    device.save()


def after_the_password(client: Client) -> TOTPDevice:
    """A clerk with codes who has passed the password."""
    device = device_for(clerk())
    assert password(client)["Location"] == CODE
    return device


# ── the second step


def test_a_clerk_types_the_password_and_then_the_code(client) -> None:
    device = device_for(clerk())
    response = password(client)
    assert (response.status_code, response["Location"]) == (302, CODE)
    assert not is_in(client)
    page = client.get(CODE)
    assert "no-store" in page["Cache-Control"]
    assert 'autocomplete="one-time-code"' in page.content.decode()
    assert_fits_the_policy(page.content.decode())
    response = type_code(client, code_of(device))
    assert (response.status_code, response["Location"]) == (302, "/admin/")
    assert is_in(client)
    assert client.get(LOGIN)["Location"] == "/admin/"


def test_administrators_are_asked_too(client) -> None:
    device = device_for(administrator())
    assert password(client, "boss")["Location"] == CODE
    assert client.get("/admin/password_change/").status_code == 302
    type_code(client, code_of(device))
    assert client.get("/admin/password_change/").status_code == 200


@pytest.mark.parametrize("spelt", ["persian", "arabic", "parted"])
def test_the_code_may_be_typed_in_any_digits(client, spelt) -> None:
    code = code_of(after_the_password(client))
    arabic = code.translate({ord("0") + digit: 0x660 + digit for digit in range(10)})
    typed = {"persian": to_persian_digits(code), "arabic": arabic, "parted": f" {code[:3]} {code[3:]} "}[spelt]
    assert type_code(client, typed).status_code == 302
    assert is_in(client)


def test_a_wrong_code_is_told_and_opens_nothing(client) -> None:
    device = after_the_password(client)
    response = type_code(client, wrong_code(device))
    assert response.status_code == 200
    assert errors(response) == [staff_texts.sentence(WRONG)]
    assert wrong_code(device) not in response.content.decode()
    assert_fits_the_policy(response.content.decode())
    assert not is_in(client)
    device.refresh_from_db()
    assert device.throttling_failure_count == 1


def test_wrong_codes_wait_longer_and_longer_and_the_page_says_how_long(client) -> None:
    device = after_the_password(client)
    for tries, pause in enumerate((1, 2, 4, 8, 16, 32), start=1):
        assert type_code(client, wrong_code(device)).status_code == 200
        response = type_code(client, code_of(device))  # the right one, but too early
        assert response.status_code == 429
        assert 0 < int(response["Retry-After"]) <= pause
        assert errors(response) == [sign_in_texts.sentence("sign_in_pause", seconds=int(response["Retry-After"]))]
        let_pass(device, pause)
        device.refresh_from_db()
        assert device.throttling_failure_count == tries  # too early is not counted
    assert type_code(client, code_of(device)).status_code == 302
    device.refresh_from_db()
    assert device.throttling_failure_count == 0


@pytest.mark.parametrize("between", ["", " ", "-", "\u200f \u200e"])
def test_the_halves_of_a_code_may_be_typed_in_either_order(client, between) -> None:
    code = code_of(device_for(clerk()))
    password(client)
    type_code(client, code[3:] + between + code[:3])
    assert is_in(client)


def test_a_code_in_the_other_order_is_one_try_and_is_used_up_in_both(client) -> None:
    device = device_for(clerk())
    code = code_of(device)
    assert totp.check(user=device.user, code=turned(code))
    for again in (code, turned(code)):
        TOTPDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
        with pytest.raises(PortalError, match="totp_wrong"):
            totp.check(user=device.user, code=again)
        assert TOTPDevice.objects.get().throttling_failure_count == 1


def test_a_guess_is_compared_with_as_many_values_as_the_security_notes_say(client) -> None:
    device = device_for(clerk())
    right = {code_of(device, steps=steps) for steps in range(-5, 6)}
    tried = right | {turned(code) for code in right} | {code[::-1] for code in right} | {wrong_code(device)}
    tried |= {code[2:4] + code[:2] + code[4:] for code in right}
    taken = {code for code in tried if totp._is_right(device, totp.as_shown(device, code))}
    assert taken == {form for steps in (-1, 0, 1) for form in both(code_of(device, steps=steps))}
    assert len(taken) <= odds.values()


def both(code: str) -> tuple[str, str]:
    return code, turned(code)


def test_a_day_of_guesses_is_as_many_as_the_security_notes_say(client, monkeypatch) -> None:
    device, begun, passed = device_for(clerk()), timezone.now(), 0.0
    monkeypatch.setattr(timezone, "now", lambda: begun + dt.timedelta(seconds=passed))
    compared = 0
    while passed <= dt.timedelta(days=1).total_seconds():
        with pytest.raises(PortalError) as refused:
            totp.check(user=device.user, code=wrong_code(device))
        compared += refused.value.code == "totp_wrong"
        passed += float(str(refused.value.values.get("seconds", 0)))
    assert compared == odds.tries()
    words = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    row = f"| {odds.tries()} | {odds.values()} | {odds.per_million():g} in 1,000,000 |"
    assert [line for line in words.splitlines() if line.endswith(row)]


def test_a_code_works_once(client) -> None:
    device = after_the_password(client)
    code = code_of(device)
    assert type_code(client, code).status_code == 302
    thief = Client()
    password(thief)
    assert errors(type_code(thief, code)) == [staff_texts.sentence(WRONG)]
    assert not is_in(thief)
    let_pass(device, 1)
    assert type_code(thief, code_of(device, steps=1)).status_code == 302  # the app's next one


@pytest.mark.parametrize("later", [3600, -3600])
def test_a_phone_whose_clock_is_an_hour_off_is_refused_and_told_to_look_at_the_clock(client, later) -> None:
    device = after_the_password(client)
    (sentence,) = errors(type_code(client, code_of(device, later=later)))
    assert sentence == staff_texts.sentence(WRONG)
    assert not is_in(client)


def test_our_own_clock_moved_back_by_an_hour_opens_nothing_twice(client, monkeypatch) -> None:
    device = after_the_password(client)
    code = code_of(device)
    type_code(client, code)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - 3600)
    again = Client()
    password(again)
    assert errors(type_code(again, code)) == [staff_texts.sentence(WRONG)]


def test_a_phone_half_a_minute_off_is_let_in(client) -> None:
    assert type_code(client, code_of(after_the_password(client), later=-30)).status_code == 302


@pytest.mark.parametrize(
    "typed",
    ["", "12345", "1234567", "abcdef", "12 34", "\x00", "1\x002", "9" * 10_000, "<b>12345", "+12345", "1_2_345", "۱۲۳"],
)
def test_what_is_no_code_ends_in_a_sentence_and_is_no_try(client, typed) -> None:
    device = after_the_password(client)
    response = type_code(client, typed)
    assert response.status_code == 200
    assert len(errors(response)) == 1
    assert "<b>" not in response.content.decode()
    device.refresh_from_db()
    assert device.throttling_failure_count == 0


def test_bytes_that_are_no_text_and_a_missing_field_end_in_a_sentence(client) -> None:
    after_the_password(client)
    raw = client.post(CODE, "code=%ff%fe", content_type="application/x-www-form-urlencoded")
    assert raw.status_code == 200
    assert errors(raw)
    assert errors(client.post(CODE))


def test_without_the_forms_token_no_code_is_taken() -> None:
    strict = Client(enforce_csrf_checks=True)
    device = device_for(clerk())
    strict.get(LOGIN)
    token = strict.cookies["csrftoken"].value
    assert password(strict, csrfmiddlewaretoken=token)["Location"] == CODE
    assert type_code(strict, code_of(device)).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_of_twenty_guesses_at_once_one_is_looked_at() -> None:
    user = clerk()
    device = device_for(user)
    results = together(lambda number: totp.check(user=user, code=wrong_code(device)), 20)
    assert sorted(error.code for error in results) == ["totp_pause"] * 19 + ["totp_wrong"]
    device.refresh_from_db()
    assert device.throttling_failure_count == 1


@pytest.mark.django_db(transaction=True)
def test_the_right_code_from_twenty_browsers_at_once_lets_one_in() -> None:
    user = clerk()
    device = device_for(user)
    code = code_of(device)
    results = together(lambda number: totp.check(user=user, code=code), 20)
    assert sum(isinstance(result, TOTPDevice) for result in results) == 1
    assert {error.code for error in results if isinstance(error, PortalError)} <= {"totp_wrong", "totp_pause"}


# ── between the steps


def test_the_session_key_changes_at_each_step_and_the_old_ones_are_dead(client) -> None:
    device = device_for(clerk())
    session = client.session
    session["draft"] = "of step one"
    session.save()
    keys = [key(client)]
    password(client)
    keys.append(key(client))
    type_code(client, code_of(device))
    keys.append(key(client))
    assert len(set(keys)) == 3
    for old in keys[:2]:
        thief = Client()
        thief.cookies["sessionid"] = old
        assert not is_in(thief)
        assert not Session.objects.filter(session_key=old).exists()


def test_half_way_in_nobody_is_signed_in_and_the_session_has_no_secret(client) -> None:
    device = after_the_password(client)
    held = dict(client.session)
    assert held.keys() == {"staff_pending", "began"}
    assert held["staff_pending"].keys() == {"user", "at", "auth"}
    assert device.key not in str(held)
    assert PASSWORD not in str(held)


@pytest.mark.parametrize("page", [CODE, DEVICE])
def test_who_was_half_way_in_before_this_version_started_comes_in(client, page) -> None:
    """The session's values are written out: they stand in sessions that are alive."""
    user = clerk()
    device = device_for(user) if page == CODE else totp.begin(user=user)
    session = client.session
    now = int(timezone.now().timestamp())
    session["staff_pending"] = {"user": user.pk, "at": now, "auth": user.get_session_auth_hash()}
    session["staff_enrolment"] = device.pk
    session.save()
    assert client.get(page).status_code == 200
    response = type_code(client, code_of(device), page)
    assert (response.status_code, response["Location"]) == (302, "/admin/")
    assert is_in(client)


def test_who_was_signed_in_in_this_browser_is_signed_out_by_the_first_step(client) -> None:
    client.force_login(citizen())
    after_the_password(client)
    assert client.get("/portal/home").status_code == 302
    assert type_code(client, code_of(TOTPDevice.objects.get())).status_code == 302
    assert is_in(client)


def test_a_citizen_who_signs_in_between_the_steps_does_not_come_along(client) -> None:
    person = citizen()
    device = after_the_password(client)
    client.post("/portal/", {"national_id": person.national_id, "password": PASSWORD})
    type_code(client, code_of(device))
    assert is_in(client)
    assert client.get("/portal/home").status_code == 302


@pytest.mark.parametrize("moved", [limits.STAFF_TOTP_WITHIN, -dt.timedelta(hours=1)])
def test_the_time_between_the_steps_is_short_and_a_moved_clock_does_not_stretch_it(client, moved) -> None:
    device = after_the_password(client)
    session = client.session
    session["staff_pending"] = session["staff_pending"] | {"at": int((timezone.now() - moved).timestamp())}
    session.save()
    response = type_code(client, code_of(device), next="/admin/accounts/user/")
    assert (response.status_code, response["Location"]) == (302, LOGIN + "?next=/admin/accounts/user/")
    assert staff_texts.sentence("begin_again") in told(response)
    device.refresh_from_db()
    assert device.last_t == -1  # nothing was compared
    assert not is_in(client)


@pytest.mark.parametrize("page", [CODE, DEVICE])
def test_without_the_password_the_second_step_leads_to_the_first(client, page) -> None:
    device = device_for(clerk())
    assert client.get(page)["Location"] == LOGIN
    assert type_code(client, code_of(device), page)["Location"] == LOGIN
    assert not is_in(client)


def test_a_password_that_is_changed_between_the_steps_ends_them(client) -> None:
    device = after_the_password(client)
    device.user.set_password("Another123!x")
    device.user.save()
    assert type_code(client, code_of(device))["Location"] == LOGIN
    assert not is_in(client)


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}])
def test_who_leaves_between_the_steps_does_not_come_in(client, change) -> None:
    device = after_the_password(client)
    User.objects.filter(pk=device.user_id).update(**change)
    assert type_code(client, code_of(device))["Location"] == LOGIN
    assert not is_in(client)


def test_a_citizen_has_no_second_step_here_even_with_a_device(client) -> None:
    person = citizen()
    device = device_for(person)
    response = client.post(LOGIN, {"username": person.username, "password": PASSWORD})
    assert errors(response) == [sign_in_texts.sentence("wrong_staff")]
    client.force_login(person)
    for page in (CODE, DEVICE):
        assert type_code(client, code_of(device), page)["Location"] == LOGIN
    assert not is_in(client)


def test_somebody_elses_code_is_not_right(client) -> None:
    after_the_password(client)
    assert errors(type_code(client, code_of(device_for(administrator())))) == [staff_texts.sentence(WRONG)]


def test_next_is_kept_over_both_steps_and_over_a_wrong_code(client) -> None:
    device = device_for(administrator())
    wanted = "/admin/accounts/user/?is_staff__exact=1"
    response = password(client, "boss", next=wanted)
    assert response["Location"] == CODE + "?next=/admin/accounts/user/%3Fis_staff__exact%3D1"
    assert client.get(response["Location"]).context["next"] == wanted
    assert type_code(client, wrong_code(device), next=wanted).context["next"] == wanted
    let_pass(device, 1)
    assert type_code(client, code_of(device), next=wanted)["Location"] == wanted


@pytest.mark.parametrize(
    "forged", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_a_forged_next_leads_nowhere(client, forged) -> None:
    device = device_for(clerk())
    assert password(client, next=forged)["Location"] == CODE
    assert client.get(CODE, {"next": forged}).context["next"] == ""
    assert type_code(client, code_of(device), f"{CODE}?next={forged}", next=forged)["Location"] == "/admin/"


def test_wrong_passwords_wait_as_before_and_a_device_is_known_only_after_the_code(client) -> None:
    device = device_for(clerk())
    for _ in range(4):
        client.post(LOGIN, {"username": "maryam", "password": "Wrong1234"})
    assert password(client).status_code == 429
    other = Client(REMOTE_ADDR="10.0.0.9")
    password(other)
    assert "device" not in other.cookies
    type_code(other, code_of(device))
    assert "device" in other.cookies


# ── setting codes up


def enrol(client: Client, username: str = "maryam") -> TOTPDevice:
    """Pass the password, and come to where codes are set up."""
    assert password(client, username)["Location"] == DEVICE
    return TOTPDevice.objects.get(user__username=username)


def test_the_first_sign_in_sets_codes_up_and_a_right_code_opens(client) -> None:
    clerk()
    device = enrol(client)
    assert not is_in(client)
    page = client.get(DEVICE)
    assert "no-store" in page["Cache-Control"]
    text = page.content.decode()
    assert_fits_the_policy(text)
    assert "<svg" in text
    secret = totp.secret(device)
    assert re.fullmatch("([A-Z2-7]{4} ){7}[A-Z2-7]{4}", secret)
    assert secret in text
    response = type_code(client, code_of(device), DEVICE)
    assert (response.status_code, response["Location"]) == (302, "/admin/")
    assert staff_texts.sentence("set_up") in client.get("/admin/").content.decode()
    device.refresh_from_db()
    assert device.confirmed
    again = Client()
    assert password(again)["Location"] == CODE


def test_the_secret_is_in_its_row_and_not_in_the_session_or_the_address(client) -> None:
    clerk()
    device = enrol(client)
    client.get(DEVICE)
    held = str(dict(client.session))
    assert device.key not in held
    assert totp.secret(device).replace(" ", "") not in held


def test_a_wrong_code_confirms_nothing(client) -> None:
    clerk()
    device = enrol(client)
    response = type_code(client, wrong_code(device), DEVICE)
    assert errors(response) == [staff_texts.sentence(WRONG)]
    assert totp.secret(device) in response.content.decode()  # the picture is still there
    device.refresh_from_db()
    assert not device.confirmed
    assert not is_in(client)
    assert type_code(client, code_of(device), DEVICE).status_code == 429
    let_pass(device, 1)
    assert type_code(client, code_of(device), DEVICE).status_code == 302


def test_the_code_that_confirmed_is_used_up(client) -> None:
    clerk()
    device = enrol(client)
    code = code_of(device)
    type_code(client, code, DEVICE)
    again = Client()
    password(again)
    assert errors(type_code(again, code)) == [staff_texts.sentence(WRONG)]


def test_the_password_alone_never_shows_a_secret_twice(client) -> None:
    """Who saw a picture earlier, or has one open elsewhere, has nothing in common with the codes that are set up."""
    clerk()
    first = enrol(client)
    other = Client()
    second = enrol(other)
    assert second.key != first.key
    assert not TOTPDevice.objects.filter(pk=first.pk).exists()
    response = type_code(client, code_of(first), DEVICE)
    assert response["Location"] == LOGIN
    page = told(response)
    assert staff_texts.sentence("totp_replaced") in page
    assert totp.secret(second) not in client.get(DEVICE, follow=True).content.decode()
    assert type_code(other, code_of(second), DEVICE).status_code == 302
    assert is_in(other)
    assert not is_in(client)


def test_codes_that_were_set_up_meanwhile_are_asked_for(client) -> None:
    clerk()
    enrol(client)
    other = Client()
    device = enrol(other)
    type_code(other, code_of(device), DEVICE)
    response = client.get(DEVICE)
    assert response["Location"] == CODE
    assert type_code(client, code_of(device, steps=1)).status_code == 302
    assert TOTPDevice.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_double_click_sets_up_one_device() -> None:
    user = clerk()
    begun = totp.begin(user=user)
    code = code_of(begun)
    results = together(lambda number: totp.confirm(user=user, device_id=begun.pk, code=code), 2)
    assert sorted(type(result).__name__ for result in results) == ["PortalError", "TOTPDevice"]
    assert TOTPDevice.objects.filter(confirmed=True).count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_twenty_that_begin_at_once_one_device_is_left() -> None:
    user = clerk()
    begun = together(lambda number: totp.begin(user=user), 20)
    assert all(isinstance(device, TOTPDevice) for device in begun)
    assert TOTPDevice.objects.count() == 1


@pytest.mark.parametrize("typed", ["", "\x00", "9" * 10_000, "<script>alert(1)</script>"])
def test_what_is_no_code_ends_in_a_sentence_here_too(client, typed) -> None:
    clerk()
    enrol(client)
    response = type_code(client, typed, DEVICE)
    assert response.status_code == 200
    assert errors(response)
    assert "<script>alert" not in response.content.decode()


# ── in a demo


@pytest.mark.usefixtures("demo")
def test_in_a_demo_staff_without_codes_come_in_by_the_password_alone_and_may_set_them_up(client) -> None:
    user = clerk()
    assert password(client)["Location"] == "/admin/"
    assert "/admin/login/device/new/" in client.get("/admin/").content.decode()
    before = key(client)
    assert client.get("/admin/login/device/new/").status_code == 405
    assert client.get(DEVICE)["Location"] == "/admin/"  # nothing was begun
    assert client.post("/admin/login/device/new/")["Location"] == DEVICE
    device = TOTPDevice.objects.get(user=user)
    assert totp.secret(device) in client.get(DEVICE).content.decode()
    assert type_code(client, code_of(device), DEVICE)["Location"] == "/admin/"
    assert key(client) != before
    page = client.get("/admin/").content.decode()
    assert staff_texts.sentence("set_up") in page
    assert "/admin/login/device/new/" not in page
    assert client.post("/admin/login/device/new/")["Location"] == DEVICE  # from a page that was still open
    assert client.get(DEVICE)["Location"] == "/admin/"
    assert TOTPDevice.objects.get(user=user) == device


@pytest.mark.usefixtures("demo")
def test_in_a_demo_who_has_codes_is_asked_and_sessions_from_before_are_over(client) -> None:
    user = clerk()
    before = Client()
    password(before)
    assert is_in(before)
    device = device_for(user)
    assert not is_in(before)
    assert password(client)["Location"] == CODE
    assert type_code(client, code_of(device)).status_code == 302
    assert is_in(client)


# ── no way around it


def _paths(patterns: list[URLPattern | URLResolver], prefix: str = "/admin/") -> Iterator[str]:
    """An address of every page of the admin, with a 1 or the first choice for what differs."""
    for each in patterns:
        path = prefix + re.sub(r"<[^>]*>", "1", _without_groups(str(each.pattern)))
        if isinstance(each, URLResolver):
            yield from _paths(each.url_patterns, path)
        else:
            yield path


def _without_groups(route: str) -> str:
    return re.sub(r"\(\?P<\w+>([^|)]*)[^)]*\)", r"\1", route).removeprefix("^").rstrip("$").replace(".*", "nothing")


def _strangers() -> Iterator[tuple[str, Client]]:
    """Everybody who has not typed a code."""
    clerk("fresh")
    device_for(clerk("half"))
    boss = administrator("boss")
    yield "nobody", Client()
    citizens = Client()
    citizens.force_login(citizen())
    yield "citizen", citizens
    for name in ("half", "fresh"):
        client = Client()
        password(client, name)
        yield name, client
    old = Client()
    old.force_login(boss)  # a session from before codes were required
    yield "old", old
    forged = Client()
    forged.force_login(boss)
    session = forged.session
    session["otp_device_id"] = TOTPDevice.objects.get(user__username="half").persistent_id  # somebody else's
    session.save()
    yield "forged", forged


def test_no_page_of_the_admin_opens_without_a_code() -> None:
    paths = list(_paths(admin.site.get_urls()))
    assert len(paths) > 40
    assert {"/admin/", "/admin/password_change/", "/admin/accounts/user/1/change/", "/admin/nothing"} <= set(paths)
    assert any("health" in path for path in paths)
    for name, client in _strangers():
        for path in paths:
            if path in OPEN:
                continue
            for answer in (client.get(path), client.post(path)):
                assert answer.status_code == 302, (name, path)
                home = "/admin/" if path == "/admin/logout/" else f"{LOGIN}?next="
                assert answer["Location"].startswith(home), (name, path)


def test_a_device_that_is_gone_closes_the_session_that_it_opened(client) -> None:
    device = after_the_password(client)
    type_code(client, code_of(device))
    assert is_in(client)
    device.delete()
    assert not is_in(client)


def test_a_word_that_nobody_knows_means_required(client, settings) -> None:
    settings.STAFF_TOTP = "Optional"
    clerk()
    assert password(client)["Location"] == DEVICE


def test_no_page_shows_a_device() -> None:
    assert not [model for model in admin.site._registry if issubclass(model, Device)]


def test_citizens_pay_nothing_for_it(client, django_assert_num_queries, settings) -> None:
    settings.SESSION_USES_WRITTEN_WITHIN = 5  # as in service
    client.force_login(citizen())
    with django_assert_num_queries(3):  # the session, the account, the catalogue
        assert client.get("/portal/home").status_code == 200


# ── a lost phone


def reset(*arguments: str) -> str:
    out = io.StringIO()
    call_command("reset_totp", *arguments, stdout=out)
    return out.getvalue()


def test_a_lost_phone_is_forgotten_the_sessions_end_and_the_log_says_who_and_why(client, caplog) -> None:
    device = after_the_password(client)
    type_code(client, code_of(device))
    half = Client()
    password(half)
    with caplog.at_level(logging.INFO, logger="accounts.staff.totp"):
        output = reset("maryam", "--by=ali", "--reason=گوشی\nگم شد")
    assert "maryam" in output
    for secret in (device.key, totp.secret(device)):
        assert secret not in output + caplog.text
    (line,) = [record.getMessage() for record in caplog.records]
    assert "maryam" in line
    assert "by ali" in line
    assert line.endswith("گوشی گم شد")  # one line, whatever was typed
    assert not TOTPDevice.objects.exists()
    assert not is_in(client)
    assert type_code(half, code_of(device))["Location"] == LOGIN
    assert password(client)["Location"] == DEVICE
    assert TOTPDevice.objects.get().key != device.key


def test_resetting_without_codes_is_no_error_and_is_said() -> None:
    clerk()
    assert "No one-time codes" in reset("maryam", "--by=ali", "--reason=asked")


@pytest.mark.parametrize(
    "arguments",
    [
        ["nobody", "--by=ali", "--reason=lost"],
        ["maryam", "--reason=lost"],
        ["maryam", "--by=ali"],
        ["maryam", "--by= ", "--reason=lost"],
        ["maryam", "--by=ali", "--reason="],
        ["maryam", "--by=" + "x" * 61, "--reason=lost"],
    ],
)
def test_a_reset_without_a_name_or_a_reason_or_of_nobody_is_refused(arguments) -> None:
    device = device_for(clerk())
    with pytest.raises(CommandError):
        reset(*arguments)
    assert TOTPDevice.objects.get() == device


def test_a_citizens_account_is_no_staff_to_the_command() -> None:
    person = citizen()
    with pytest.raises(CommandError, match="no member of staff"):
        reset(person.username, "--by=ali", "--reason=lost")


def test_ending_sessions_ends_all_of_one_person_and_nobody_elses() -> None:
    user, other = clerk(), clerk("zahra")
    device, others = device_for(user), device_for(other)
    first, second, third = Client(), Client(), Client()
    for client, name, code in (
        (first, "maryam", code_of(device)),
        (second, "maryam", code_of(device, steps=1)),
        (third, "zahra", code_of(others)),
    ):
        password(client, name)
        type_code(client, code)
    assert all(map(is_in, (first, second, third)))
    assert end_sessions(account=user, reason=Reason.SESSIONS_ENDED) == 2
    assert [is_in(client) for client in (first, second, third)] == [False, False, True]


def test_an_administrator_sees_who_has_codes_and_never_a_secret(client) -> None:
    boss, user = administrator(), clerk()
    own = device_for(boss)
    password(client, "boss")
    type_code(client, code_of(own))
    page = client.get(f"/admin/accounts/user/{user.pk}/change/").content.decode()
    assert gettext("Not set up") in page
    page = client.get(f"/admin/accounts/user/{boss.pk}/change/").content.decode()
    assert gettext("Set up on %(date)s") % {"date": format_jalali(timezone.localdate())} in page
    for secret in (own.key, totp.secret(own), "otpauth"):
        assert secret not in page
    assert totp.secret(own) not in client.get("/admin/").content.decode()
