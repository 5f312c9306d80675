"""A password is held to the same rules, and to be hard to guess, wherever it is set; an old hash is renewed by whoever
signs in.
"""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher, PBKDF2PasswordHasher, check_password
from django.core.management import CommandError, call_command
from django.forms import Form
from django.forms.utils import ErrorList
from django.test import Client

from accounts.life import lifecycle
from accounts.models import User
from accounts.passwords import rules as passwords
from accounts.passwords.strength import About, Weakness
from accounts.profile.forms import PasswordForm
from accounts.recovery.forms import NewPasswordForm
from accounts.staff.random_password import random_password
from common.errors import PortalError
from registration.forms.parts import ReviewForm
from registration.models import Registration
from registration.states import State
from tests.support.accounts import PASSWORD, REZA, administrator, branch, citizen, clerk
from tests.support.journeys import MATCHES, Answers, Browser, row_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("real_hashing")]
COMMON, WEAK, EASY = "Password1!", "weak", "Zahra1365"
BAD = [COMMON, WEAK, EASY]
CURRENT = re.compile(r"argon2\$argon2id\$v=19\$m=19456,t=2,p=1\$")


class OtherArgon2Hasher(Argon2PasswordHasher):
    """As if the parameters had been others when the password was set."""

    time_cost, memory_cost, parallelism = 1, 8 * 1024, 4


OLD = {
    "pbkdf2": lambda: PBKDF2PasswordHasher().encode(PASSWORD, "saltsaltsalt", iterations=1000),
    "argon2": lambda: OtherArgon2Hasher().encode(PASSWORD, "saltsaltsalt"),
}


def faults(password: str) -> list[str]:
    """Without knowing anything of the person."""
    return passwords.faults(password, About())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("password", BAD)
def test_step_three_of_the_registration_refuses_it(password) -> None:
    browser = Browser()
    browser.confirm()
    response = browser.step_three(Answers.of(MATCHES), password=password, password_again=password)
    page = unescape(response.content.decode())
    for code in faults(password):
        assert (
            str(passwords.SENTENCES[code])
            in re.search(r'<p class="error" id="id_review-password-error">.*?</p>', page)[0]
        )
    assert row_of(MATCHES).state == State.MOBILE_CONFIRMED


@pytest.mark.parametrize("password", BAD)
def test_no_member_of_staff_is_made_with_a_bad_password(password) -> None:
    with pytest.raises(PortalError, match="password_weak") as caught:
        lifecycle.create_staff(username="maryam", password=password, branch=branch(), administrator=False)
    assert caught.value.values["broken"] == faults(password)
    assert password not in str(caught.value.values)
    assert not User.objects.exists()


@pytest.mark.parametrize("password", BAD)
def test_add_staff_says_which_rules_an_asked_password_breaks(monkeypatch, password) -> None:
    monkeypatch.setattr("accounts.management.commands.add_staff.getpass", lambda prompt: password)
    with pytest.raises(CommandError) as caught:
        call_command("add_staff", "--username=boss", "--administrator", "--ask-password")
    assert str(caught.value) == " ".join(str(passwords.SENTENCES[code]) for code in faults(password))
    assert not User.objects.exists()


@pytest.mark.parametrize("password", BAD)
def test_changepassword_refuses_it(monkeypatch, password) -> None:
    before = clerk().password
    monkeypatch.setattr("getpass.getpass", lambda prompt="": password)
    with pytest.raises(CommandError, match="Aborting"):
        call_command("changepassword", "maryam")
    assert User.objects.get().password == before


def test_changepassword_takes_a_good_one(monkeypatch) -> None:
    clerk()
    monkeypatch.setattr("getpass.getpass", lambda prompt="": "Lampa4nakhoda")
    call_command("changepassword", "maryam", verbosity=0)
    assert check_password("Lampa4nakhoda", User.objects.get().password)


@pytest.mark.parametrize("password", BAD)
def test_createsuperuser_refuses_it_without_questions_too(monkeypatch, password) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", password)
    sentences = [re.escape(str(passwords.SENTENCES[code])) for code in faults(password)]
    with pytest.raises(CommandError, match="; ".join(sentences)):
        call_command("createsuperuser", "--noinput", "--username=boss")
    assert not User.objects.exists()


def test_createsuperuser_takes_a_good_one_and_none(monkeypatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", "--noinput", "--username=boss", verbosity=0)
    assert check_password(PASSWORD, User.objects.get(username="boss").password)
    monkeypatch.delenv("DJANGO_SUPERUSER_PASSWORD")
    call_command("createsuperuser", "--noinput", "--username=chief", verbosity=0)
    assert not User.objects.get(username="chief").has_usable_password()


@pytest.mark.parametrize("password", BAD)
def test_the_admin_refuses_it_with_the_rules_sentences(client, password) -> None:
    boss = administrator()
    client.force_login(boss)
    typed = {"old_password": PASSWORD, "new_password1": password, "new_password2": password}
    response = client.post("/admin/password_change/", typed)
    told = [str(passwords.SENTENCES[code]) for code in faults(password)]
    assert list(response.context["form"].errors["new_password2"]) == told
    boss.refresh_from_db()
    assert boss.check_password(PASSWORD)


def test_the_admin_tells_every_rule_before_a_password_is_chosen(client) -> None:
    client.force_login(administrator())
    page = client.get("/admin/password_change/")
    told = unescape(str(page.context["form"].fields["new_password1"].help_text))
    assert all(str(sentence) in told for sentence in (*passwords.RULES.values(), passwords.HINT))


def test_a_password_made_for_staff_is_always_good() -> None:
    assert not any(faults(random_password()) for _ in range(500))


# ── what the page or the account knows of the person


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "password",
    [
        "Karimi1370",
        "Reza137005",
        "Aa17051370",
        "Aa09120000101",
        "Aa007000101",
        "Someone99x",
        "Narhet55",
        "Rezakarimi70",
    ],
)
def test_step_three_refuses_what_is_made_of_the_answers_on_the_page(password) -> None:
    browser = Browser()
    browser.confirm()
    response = browser.step_three(Answers.of(MATCHES), password=password, password_again=password)
    assert codes_of(response.context["form"], "password") == [Weakness.OWN]
    assert password not in response.content.decode()
    assert row_of(MATCHES).state == State.MOBILE_CONFIRMED


@pytest.mark.parametrize("facts", [{}, {"security_answer": ""}, {"security_question": "", "password_again": ""}])
def test_a_page_with_mistakes_judges_the_password_as_well(facts) -> None:
    typed = vars(Answers.of(MATCHES)) | {"password": "Rezaaaaa1", "password_again": "Rezaaaaa1"} | facts
    row = Registration(national_id="0070001014", mobile="+989120000101")
    form = ReviewForm(typed, registration=row, answers={"first_name": MATCHES.first_name})
    assert codes_of(form, "password")


@pytest.mark.parametrize("password", ["Karimi1991", "Ab19910808", "A1234567tehran", "Reza0808"])
def test_the_profile_and_the_recovery_refuse_what_the_account_knows(password) -> None:
    user = citizen()
    typed = {"current_password": PASSWORD, "new_password": password, "new_password_again": password}
    assert codes_of(PasswordForm(typed, user=user), "new_password") == [Weakness.OWN]
    typed = {"password": password, "password_again": password}
    assert codes_of(NewPasswordForm(typed, account=user, with_question=False), "password") == [Weakness.OWN]


def test_staff_do_not_set_their_user_name() -> None:
    with pytest.raises(PortalError, match="password_weak") as caught:
        lifecycle.create_staff(username="gholdari", password="Gholdari77", branch=None, administrator=True)
    assert caught.value.values["broken"] == [Weakness.OWN]


def codes_of(form: Form, field: str) -> list[str]:
    return [error.code or "" for error in form.errors.get(field, ErrorList()).as_data()]


# ── old passwords and hashes


@pytest.mark.parametrize("password", BAD)
def test_who_has_a_weak_password_still_signs_in_with_it(client, password) -> None:
    citizen(password=password)
    assert client.post("/portal/", {"national_id": REZA, "password": password}).status_code == 302
    assert client.get("/portal/home").status_code == 200


@pytest.mark.parametrize("kind", OLD)
def test_a_citizens_old_hash_is_renewed_by_signing_in(client, kind) -> None:
    user = citizen()
    User.objects.update(password=OLD[kind]())
    client.post("/portal/", {"national_id": REZA, "password": "Wrong1234"})
    user.refresh_from_db()
    assert not CURRENT.match(user.password)
    assert client.post("/portal/", {"national_id": REZA, "password": PASSWORD}).status_code == 302
    user.refresh_from_db()
    assert CURRENT.match(user.password)
    assert user.check_password(PASSWORD)
    assert client.get("/portal/home").status_code == 200  # the session is of the renewed one


@pytest.mark.parametrize("kind", OLD)
@pytest.mark.parametrize("totp", ["optional", "required"])
def test_a_clerks_old_hash_is_renewed_by_the_password_alone(client, settings, kind, totp) -> None:
    settings.STAFF_TOTP = totp
    user = clerk()
    User.objects.update(password=OLD[kind]())
    response = client.post("/admin/login/", {"username": "maryam", "password": PASSWORD})
    user.refresh_from_db()
    assert CURRENT.match(user.password)
    assert client.get(response["Location"]).status_code == 200  # also half-way in


def test_a_hash_of_today_is_left_alone() -> None:
    before = clerk().password
    Client().post("/admin/login/", {"username": "maryam", "password": PASSWORD})
    assert User.objects.get().password == before
