"""The security question and the code on new devices, changed in the profile."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Challenge, ChallengeStage, CodePurpose, OwnerCheck, User
from accounts.passwords.answers import answer_matches
from accounts.profile import changes
from common.errors import PortalError
from tests.support.accounts import PASSWORD, REZA, together
from tests.support.journeys import texts_on
from tests.support.profile import CODE, OLD_NUMBER, PROFILE, QUESTION, WRONG, errors, hand_in, kinds, owner, sign_in

pytestmark = pytest.mark.django_db(transaction=True)


def test_another_question_and_its_answer_are_kept_as_a_hash_and_told() -> None:
    user, browser = owner()
    User.objects.filter(pk=user.pk).update(recovery_without_answer_until=timezone.now())
    assert hand_in(browser, QUESTION)["Location"] == PROFILE
    user.refresh_from_db()
    assert user.security_question == "first_book"
    assert "شازده" not in user.security_answer
    assert answer_matches("شازده‌کوچولو ", user.security_answer)
    assert user.recovery_without_answer_until is None
    assert kinds(user) == ["question_changed"]
    assert "/portal/not-me/" in texts_on(OLD_NUMBER)[0]


def test_the_question_survives_an_error_and_the_answer_does_not() -> None:
    _, browser = owner()
    page = hand_in(browser, QUESTION, WRONG).content.decode()
    assert 'value="first_book" selected' in page
    assert "شازده" not in page
    assert PASSWORD not in page


@pytest.mark.parametrize(("answer", "code"), [("؟!", "empty_answer"), ("آ" * 101, "max_length"), ("", "required")])
def test_an_answer_that_is_none_is_refused_with_its_own_sentence(answer, code) -> None:
    user, browser = owner()
    assert errors(hand_in(browser, QUESTION, security_answer=answer)) == {"security_answer": [code]}
    assert kinds(user) == []


def test_a_question_of_ones_own_making_is_refused() -> None:
    _, browser = owner()
    assert errors(hand_in(browser, QUESTION, security_question="mothers_name")) == {
        "security_question": ["invalid_choice"]
    }


def test_a_recovery_that_was_begun_with_the_old_answer_ends() -> None:
    user, browser = owner()
    recovery = Challenge.objects.create(
        purpose=CodePurpose.RECOVERY, national_id=REZA, account=user, stage=ChallengeStage.OWNER_ASKED
    )
    check = OwnerCheck.objects.create(
        account=user, mobile=user.mobile, challenge=recovery, next_attempt_at=timezone.now()
    )
    hand_in(browser, QUESTION)
    recovery.refresh_from_db()
    check.refresh_from_db()
    assert (recovery.stage, check.next_attempt_at) == (ChallengeStage.ENDED, None)


def test_the_code_on_new_devices_is_switched_on_and_off_again() -> None:
    user, browser = owner()
    assert browser.get(CODE).context["form"]["on"].value() == "on"
    hand_in(browser, CODE)
    assert User.objects.get(pk=user.pk).code_at_sign_in
    assert texts_on(OLD_NUMBER) == []  # what makes it safer is in the history only
    assert browser.get(CODE).context["form"]["on"].value() == "off"
    hand_in(browser, CODE, on="off")
    assert not User.objects.get(pk=user.pk).code_at_sign_in
    assert kinds(user) == ["code_on", "code_off"]
    assert "/portal/not-me/" in texts_on(OLD_NUMBER)[0]


def test_what_is_so_already_is_left_and_nobody_is_told() -> None:
    user, browser = owner()
    other = sign_in()
    assert hand_in(browser, CODE)["Location"] == hand_in(other, CODE)["Location"] == PROFILE
    assert kinds(user) == ["code_on"]


def test_where_everybody_has_it_there_is_nothing_to_choose(settings) -> None:
    user, browser = owner()
    settings.SIGN_IN_CODE = "always"
    for answer in (browser.get(CODE), hand_in(browser, CODE)):
        assert answer.status_code == 200
        assert "current_password" not in answer.content.decode()
    assert not User.objects.get(pk=user.pk).code_at_sign_in
    assert browser.get(PROFILE).context["code_for_all"]


def test_neither_on_nor_off_is_refused() -> None:
    _, browser = owner()
    assert errors(hand_in(browser, CODE, on="perhaps")) == {"on": ["invalid_choice"]}


def test_two_browsers_at_once_change_the_question_one_after_the_other() -> None:
    user, browser = owner()
    browsers = [browser, sign_in()]
    answers = together(lambda number: hand_in(browsers[number], QUESTION, security_answer=f"پاسخ {number}"), 2)
    assert [answer["Location"] for answer in answers] == [PROFILE, PROFILE]
    assert kinds(user) == ["question_changed", "question_changed"]
    user.refresh_from_db()
    assert sum(answer_matches(f"پاسخ {number}", user.security_answer) for number in range(2)) == 1


def test_a_password_that_was_replaced_meanwhile_opens_nothing() -> None:
    user, _ = owner()
    for change in (
        lambda: changes.change_question(account=user, checked="old", question="first_book", answer="آبی"),
        lambda: changes.choose_sign_in_code(account=user, checked="old", on=True),
    ):
        with pytest.raises(PortalError) as refusal:
            change()
        assert refusal.value.code == "changed_meanwhile"
    assert kinds(user) == []
    assert Client().get(QUESTION).status_code == 302
