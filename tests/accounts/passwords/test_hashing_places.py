"""Places for hashing: how many at a time, places kept, and what a page says to a try that found none."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher, check_password, get_hashers, make_password
from django.core.management import call_command
from django.db import connection
from django.test import Client, override_settings

from accounts import owner_checks
from accounts.models import AccountEvent, EventKind, SignInFailures, User
from accounts.passwords import hashers
from accounts.passwords.answer_key import answer_key
from common import limits
from common.abuse import hashing_places, hashing_texts
from common.abuse.hashing_places import Whose
from common.errors import PortalError
from common.persian import fold_digits
from registration.states import State
from tests.support.accounts import PASSWORD, REZA, administrator, citizen, clerk, together
from tests.support.entrances import PAGE, UNKNOWN, errors, proven, sign_in
from tests.support.journeys import MATCHES, Answers, Browser, row_of, step_shown
from tests.support.profile import PASS, QUESTION, WHAT_EACH_ASKS, hand_in, owner
from tests.support.recoveries import ANSWER, Recoverer
from tests.support.recoveries import account_of as forgetful

BUSY = hashing_texts.sentence("hashing_busy", seconds=int(limits.BUSY_COME_BACK.total_seconds()))
COMMON = 2


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> hashing_places._Places:
    """Two places for everybody, and no long wait."""
    own = hashing_places._Places(COMMON)
    monkeypatch.setattr(hashing_places, "places", lambda: own)
    monkeypatch.setattr(limits, "HASHING_WAIT", timedelta(milliseconds=50))
    return own


@pytest.fixture
def full(places: hashing_places._Places) -> Iterator[None]:
    """Strangers have taken all that strangers can have."""
    taken = [take(places) for _ in range(COMMON)]
    yield
    for place in taken:
        places.give(place)


@pytest.fixture
def closed(places: hashing_places._Places, full: None) -> Iterator[None]:
    """The kept places are taken as well."""
    taken = [take(places, Whose.TRUSTED), take(places, Whose.INSIDE)]
    yield
    for place in taken:
        places.give(place)


def take(places: hashing_places._Places, whose: Whose = Whose.STRANGER) -> int:
    return places.take(whose, time.monotonic())


def refused(answer: Any) -> bool:
    """A busy page: the same form once more, with the sentence on top and when to come back."""
    page = answer.content.decode()
    assert answer.status_code == 503, page
    assert answer["Retry-After"] == str(int(limits.BUSY_COME_BACK.total_seconds()))
    assert BUSY in page
    assert PASSWORD not in page
    return True


# The places.


def test_strangers_have_so_many_and_the_kept_ones_are_nobody_elses(places) -> None:
    for _ in range(COMMON):
        take(places)
    for whose in (Whose.TRUSTED, Whose.INSIDE):
        with pytest.raises(PortalError, match="hashing_busy"):
            take(places)
        take(places, whose)
        with pytest.raises(PortalError, match="hashing_busy"):
            take(places, whose)


def test_who_has_kept_places_also_has_those_for_everybody(places) -> None:
    assert len({take(places, Whose.TRUSTED) for _ in range(COMMON + 1)}) == COMMON + 1


def test_a_small_burst_waits_and_sees_nothing(places, monkeypatch) -> None:
    monkeypatch.setattr(limits, "HASHING_WAIT", timedelta(seconds=20))
    taken = [take(places) for _ in range(COMMON)]
    found: list[int] = []
    waiting = threading.Thread(target=lambda: found.append(take(places)))
    waiting.start()
    places.give(taken[0])
    waiting.join(20)
    assert found == [taken[0]]


def test_few_threads_wait_and_the_next_is_told_at_once(places, full, monkeypatch) -> None:
    monkeypatch.setattr(limits, "HASHING_WAIT", timedelta(seconds=3))
    monkeypatch.setattr(limits, "HASHING_WAITERS", 1)
    began = time.monotonic()
    answers = together(lambda _: (take_or_not(places), time.monotonic() - began), 4)
    assert not any(found for found, _ in answers)
    assert sorted(took > 2 for _, took in answers) == [False, False, False, True]


def take_or_not(places: hashing_places._Places) -> bool:
    try:
        take(places)
        return True
    except PortalError:
        return False


def test_who_waited_long_for_a_thread_gets_a_free_place_but_waits_for_none(places, monkeypatch) -> None:
    monkeypatch.setattr(limits, "HASHING_WAIT", timedelta(seconds=60))
    long_ago = time.monotonic() - 61
    assert [places.take(Whose.STRANGER, long_ago) for _ in range(COMMON)] == [0, 1]
    with pytest.raises(PortalError, match="hashing_busy"):
        places.take(Whose.STRANGER, long_ago)


def test_the_places_are_the_machines_not_each_processs(places) -> None:
    """Two web processes share no memory: a forked one has taken them all, and is killed."""
    child = forked(lambda: [take(places) for _ in range(COMMON)])
    assert not take_or_not(places)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert take_or_not(places)  # the kernel let go of what the dead one held


def forked(work: Callable[[], object]) -> int:
    """A process that does `work` and then sleeps; its number, once the work is done."""
    ready, done = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            work()
            os.write(done, b"1")
            time.sleep(60)
        finally:
            os._exit(0)
    os.close(done)
    assert os.read(ready, 1)
    os.close(ready)
    return child


@override_settings(HASHING_PLACES=0)
def test_by_itself_one_core_stays_free_and_one_place_there_always_is(monkeypatch) -> None:
    for cores, expected in ((1, 1), (2, 1), (8, 7)):
        monkeypatch.setattr(hashing_places, "cores", lambda: cores)  # noqa: B023 - used at once
        assert hashing_places.places.__wrapped__().common == expected


def test_every_hasher_that_settings_name_goes_through_the_lane() -> None:
    assert len(get_hashers()) == len(settings.PASSWORD_HASHERS)
    assert all(isinstance(hasher, hashers._InTheLane) for hasher in get_hashers())


# The pages.


@pytest.mark.django_db
def test_a_refused_sign_in_keeps_the_id_and_counts_as_no_try(closed, client) -> None:
    citizen()
    for _ in range(limits.SIGN_IN_FREE_FAILURES + 3):
        answer = sign_in(client)
        assert refused(answer)
        assert errors(answer) == [BUSY]
        assert f'value="{REZA}"' in answer.content.decode()
    assert not SignInFailures.objects.exists()


@pytest.mark.django_db
def test_a_right_password_is_let_in_as_soon_as_there_is_a_place(places, client) -> None:
    citizen()
    taken = [take(places) for _ in range(COMMON)]
    assert refused(sign_in(client))
    for place in taken:
        places.give(place)
    assert sign_in(client).status_code == 302


@pytest.mark.django_db
def test_no_try_is_compared_without_being_counted(places, client, monkeypatch) -> None:
    """Half of the tries find no place: those that were compared are all counted."""
    citizen()
    compared = []
    for number in range(4):
        taken = [take(places) for _ in range(COMMON)] if number % 2 else []
        answer = sign_in(client, password=f"Wrong123{number}")
        compared.append(answer.status_code != 503)
        for place in taken:
            places.give(place)
    assert compared == [True, False, True, False]
    assert sorted(SignInFailures.objects.values_list("count", flat=True)) == [2, 2]


@pytest.mark.django_db
def test_an_unknown_id_is_told_the_same(closed) -> None:
    citizen()
    pages = []
    for national_id in (REZA, UNKNOWN):
        answer = sign_in(Client(), national_id=national_id)
        assert refused(answer)
        page = answer.content.decode().replace(national_id, "…")
        pages.append(re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page))
    assert pages[0] == pages[1]


@pytest.mark.django_db(transaction=True)
def test_a_trusted_device_and_who_proved_the_mobile_get_in_while_strangers_do_not(places, client) -> None:
    citizen()
    assert sign_in(client, remember="on").status_code == 302
    client.post("/portal/sign-out")
    by_code = proven(Client())
    for _ in range(COMMON):
        take(places)
    assert refused(sign_in(Client()))
    assert sign_in(client).status_code == 302
    assert sign_in(by_code).status_code == 302


@pytest.mark.django_db
def test_staff_on_a_known_device_get_in_while_strangers_do_not(places, client) -> None:
    clerk()
    typed = {"username": "maryam", "password": PASSWORD}
    assert client.post("/admin/login/", typed).status_code == 302
    client.post("/admin/logout/")
    for _ in range(COMMON):
        take(places)
    answer = Client().post("/admin/login/", typed)
    assert refused(answer)
    assert 'value="maryam"' in answer.content.decode()
    assert not SignInFailures.objects.exists()
    assert client.post("/admin/login/", typed).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_step_three_goes_through_while_strangers_fill_the_lane(full) -> None:
    browser = Browser()
    browser.confirm()
    assert browser.step_three(Answers.of(MATCHES)).status_code == 302
    assert row_of(MATCHES).state == State.SUBMITTED


@pytest.mark.django_db(transaction=True)
def test_a_refused_step_three_keeps_all_but_the_secrets_and_can_be_sent_again(places) -> None:
    browser, answers = Browser(), Answers.of(MATCHES)
    browser.confirm()
    taken = [take(places, Whose.INSIDE) for _ in range(COMMON + 1)]
    answer = browser.step_three(answers)
    assert refused(answer)
    assert step_shown(answer) == "review"
    for page in (answer.content.decode(), browser.get("/portal/registration").content.decode()):
        for kept in (answers.last_name, answers.first_name, answers.certificate_number, answers.email):
            assert kept in fold_digits(page)
        assert answers.security_answer not in page
    assert row_of(MATCHES).state == State.MOBILE_CONFIRMED
    for place in taken:
        places.give(place)
    assert browser.step_three(answers).status_code == 302


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("page", WHAT_EACH_ASKS)
def test_a_refused_change_in_the_profile_changes_and_counts_nothing(places, page) -> None:
    user, browser = owner()
    for _ in range(COMMON + 1):
        take(places, Whose.INSIDE)
    events = AccountEvent.objects.count()
    for _ in range(limits.SIGN_IN_FREE_FAILURES + 2):
        assert refused(hand_in(browser, page))
    assert AccountEvent.objects.count() == events
    assert not SignInFailures.objects.exists()
    assert check_password(PASSWORD, User.objects.get(pk=user.pk).password)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("page", [PASS, QUESTION])
def test_a_change_in_the_profile_goes_through_while_strangers_fill_the_lane(full, page) -> None:
    citizen()
    browser = Client()
    browser.force_login(User.objects.get(), backend="accounts.backends.CitizenBackend")  # without a hash
    assert hand_in(browser, page).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_a_refused_answer_and_a_refused_new_password_of_a_recovery_can_be_sent_again(places) -> None:
    forgetful()
    User.objects.update(security_answer=make_password(answer_key(ANSWER)))  # as answers were stored at first
    browser = Recoverer()
    browser.prove()
    taken = [take(places, Whose.INSIDE) for _ in range(COMMON + 1)]
    assert refused(browser.step("recovery_answer", answer=ANSWER))
    assert not AccountEvent.objects.filter(kind=EventKind.ANSWER_TRIED).exists()
    for place in taken:
        places.give(place)
    assert browser.step("recovery_answer", answer=ANSWER).status_code == 302
    owner_checks.check_due()
    taken = [take(places, Whose.INSIDE) for _ in range(COMMON + 1)]
    assert refused(browser.new_password())
    for place in taken:
        places.give(place)
    assert browser.new_password().status_code == 302


@pytest.mark.django_db
def test_an_administrators_own_password_page_says_so_too(closed, client) -> None:
    boss = administrator()
    client.force_login(boss, backend="accounts.backends.StaffBackend")
    typed = {"old_password": PASSWORD, "new_password1": "Better123!", "new_password2": "Better123!"}
    assert refused(client.post("/admin/password_change/", typed))
    boss.refresh_from_db()
    assert check_password(PASSWORD, boss.password)


@pytest.mark.django_db
def test_commands_are_not_bounded(closed) -> None:
    call_command("add_staff", "--username=chief", "--administrator", verbosity=0)
    assert User.objects.get(username="chief").has_usable_password()


@pytest.mark.django_db
def test_an_old_kind_of_hash_needs_a_place_too(closed, client) -> None:
    old = PBKDF2PasswordHasher().encode(PASSWORD, "saltsaltsalt", iterations=1000)
    User.objects.filter(pk=citizen().pk).update(password=old)
    assert refused(sign_in(client))


@pytest.mark.django_db(transaction=True)
def test_nobody_hashes_in_a_transaction(monkeypatch) -> None:
    """A hash takes a while, and a row lock held meanwhile would hold others."""
    inside: list[bool] = []
    for name in ("encode", "verify"):
        monkeypatch.setattr(hashers._InTheLane, name, noting(inside, getattr(hashers._InTheLane, name)))
    browser = Browser()
    browser.confirm()
    assert browser.step_three(Answers.of(MATCHES)).status_code == 302
    user = citizen()
    browser = Client()
    assert browser.post(PAGE, {"national_id": REZA, "password": PASSWORD}).status_code == 302
    for page in (QUESTION, PASS):
        assert hand_in(browser, page).status_code == 302
    assert User.objects.filter(pk=user.pk).exists()
    assert len(inside) >= 6
    assert not any(inside)


def noting(inside: list[bool], real: Callable[..., Any]) -> Callable[..., Any]:
    def noted(self: Any, *args: Any, **kwargs: Any) -> Any:
        inside.append(connection.in_atomic_block)
        return real(self, *args, **kwargs)

    return noted
