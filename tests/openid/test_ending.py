"""What ends a grant ends its tokens at once, and queues what the services have to be told, or nothing of it happens."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from openid import ending, services, tokens
from openid.logout import queue
from openid.models import EndReason, Grant, LogoutNotice, LogoutState
from tests.support import openid
from tests.support.accounts import citizen, together

pytestmark = pytest.mark.django_db

SID, OTHER_SID = "5e" * 16, "0f" * 16
ADDRESS = "https://service.example.ir/logout"


def signed_in(service=None, account=None, *, portal_sid=SID):
    """A service in which a citizen has signed in, the citizen, and the refresh token."""
    service = service or openid.service(backchannel_logout_uri=ADDRESS)
    account = account or citizen()
    return service, account, openid.tokens(service, account, portal_sid=portal_sid)["refresh_token"]


def is_good(refresh_token: str) -> bool:
    token = tokens.find(refresh_token)
    return token is not None and tokens.is_good(token)


def test_a_sign_out_ends_the_grants_of_its_session_and_queues_one_notice_a_service(published):
    service, account, first = signed_in()
    _, _, again = signed_in(service, account)
    other, _, elsewhere = signed_in(None, account)
    _, _, on_the_phone = signed_in(service, account, portal_sid=OTHER_SID)

    ended = ending.end(account_id=account.pk, portal_sids=[SID], reason=EndReason.SIGNED_OUT)

    assert ended == 3
    assert [is_good(each) for each in (first, again, elsewhere, on_the_phone)] == [False, False, False, True]
    notices = LogoutNotice.objects.order_by("pk")
    assert {(each.service_id, each.state) for each in notices} == {
        (service.row.pk, LogoutState.WAITING),
        (other.row.pk, LogoutState.WAITING),
    }
    assert len(notices) == 2
    assert {each.sid for each in notices} <= set(Grant.objects.values_list("sid", flat=True))


def test_a_hint_goes_out_once_the_transaction_is_over(published, django_capture_on_commit_callbacks):
    _, account, _ = signed_in()
    with django_capture_on_commit_callbacks(execute=True):
        ending.end(account_id=account.pk, reason=EndReason.CLOSED)
        assert published == []
    assert published == ["openid.tell_services"]


def test_what_is_rolled_back_ends_and_queues_nothing():
    _, account, token = signed_in()
    with transaction.atomic():
        ending.end(account_id=account.pk, reason=EndReason.CLOSED)
        assert not is_good(token)
        transaction.set_rollback(True)
    assert is_good(token)
    assert not LogoutNotice.objects.exists()


def test_an_end_without_an_address_or_of_a_code_that_nobody_used_tells_nobody():
    quiet = openid.service()
    _, account, token = signed_in(quiet)
    openid.code(openid.service(backchannel_logout_uri=ADDRESS), account, portal_sid=SID)

    assert ending.end(account_id=account.pk, reason=EndReason.SIGNED_OUT) == 2

    assert not is_good(token)
    assert not LogoutNotice.objects.exists()


def test_a_code_that_was_not_used_before_the_end_is_refused_after_it():
    service, account = openid.service(backchannel_logout_uri=ADDRESS), citizen()
    code = openid.code(service, account)
    ending.end(account_id=account.pk, reason=EndReason.SIGNED_OUT)
    assert service.exchange(code).json()["error"] == "invalid_grant"


def test_a_service_that_revokes_its_own_token_is_not_told_of_it():
    signed_in()
    assert ending.end(grant=Grant.objects.get(), reason=EndReason.REVOKED) == 1
    assert not LogoutNotice.objects.exists()


def test_but_a_service_that_has_given_its_tokens_back_is_told_of_the_sign_out_once():
    """It may keep its own session for days without a token of ours."""
    service, account, token = signed_in()
    ending.end(grant=Grant.objects.get(), reason=EndReason.REVOKED)
    for _ in range(2):
        assert ending.end(account_id=account.pk, reason=EndReason.SIGNED_OUT) == 0
        assert [notice.service for notice in LogoutNotice.objects.all()] == [service.row]
    assert not is_good(token)


def test_of_one_citizen_and_one_service_others_keep_theirs():
    service, account, mine = signed_in()
    _, _, at_another_service = signed_in(None, account)
    other = citizen(national_id="0499370899", mobile="+989121234568")
    _, _, of_another = signed_in(service, other)

    assert ending.end(account_id=account.pk, service=service.row, reason=EndReason.DISCONNECTED) == 1

    assert [is_good(each) for each in (mine, at_another_service, of_another)] == [False, True, True]


def test_an_end_of_no_sessions_ends_nothing_and_one_of_nobody_is_refused():
    _, account, token = signed_in()
    assert ending.end(account_id=account.pk, portal_sids=[], reason=EndReason.SIGNED_OUT) == 0
    with pytest.raises(ValueError):
        ending.end(reason=EndReason.SIGNED_OUT)
    assert is_good(token)


def test_all_sessions_but_this_one_end():
    service, account, here = signed_in()
    _, _, elsewhere = signed_in(service, account, portal_sid=OTHER_SID)
    assert ending.end(account_id=account.pk, but=SID, reason=EndReason.SESSIONS_ENDED) == 1
    assert [is_good(here), is_good(elsewhere)] == [True, False]


def test_no_missing_key_keeps_a_session_open(settings):
    _, account, token = signed_in()
    settings.OPENID_SUBJECT_KEY = ""
    assert ending.end(account_id=account.pk, reason=EndReason.CLOSED) == 1
    assert not is_good(token)
    assert LogoutNotice.objects.get().subject == ""  # the session's name is enough


def test_a_service_with_many_grants_is_suspended_in_few_statements(monkeypatch):
    from common import limits

    monkeypatch.setattr(limits, "ENDED_TOGETHER", 40)
    service, _, _ = signed_in()
    first = Grant.objects.get()
    for number in range(100):
        first.pk, first.code_hash, first.sid = None, f"code {number}", f"sid {number}"
        first._state.adding = True
        first.save()
    with CaptureQueriesContext(connection) as captured:
        assert ending.end(service=service.row, reason=EndReason.SUSPENDED) == 101
    assert len(captured) < 20
    assert LogoutNotice.objects.count() == 101


@pytest.mark.django_db(transaction=True)
def test_a_suspension_that_was_stopped_in_the_middle_is_gone_on_with(monkeypatch):
    monkeypatch.setattr("common.limits.ENDED_TOGETHER", 1)
    service, account, token = signed_in()
    signed_in(service, account, portal_sid=OTHER_SID)
    tell = queue.enqueue

    def killed(grants, **how):
        tell(grants, **how)
        monkeypatch.setattr(queue, "enqueue", dies)

    def dies(*_grants, **_how):
        raise KeyboardInterrupt

    monkeypatch.setattr(queue, "enqueue", killed)
    with pytest.raises(KeyboardInterrupt):
        services.suspend(service=service.row, by="boss", reason="it leaks")
    assert not is_good(token)
    assert [Grant.objects.filter(ended_at=None).count(), LogoutNotice.objects.count()] == [1, 1]

    monkeypatch.setattr(queue, "enqueue", tell)
    assert not services.suspend(service=service.row, by="boss", reason="again")  # it was suspended already
    assert not Grant.objects.filter(ended_at=None).exists()
    assert LogoutNotice.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_ends_at_the_same_moment_tell_once():
    _, account, _ = signed_in()
    signed_in(None, account)
    reasons = [EndReason.SIGNED_OUT, EndReason.PASSWORD_CHANGED]
    ended = together(lambda number: ending.end(account_id=account.pk, reason=reasons[number]), 2)
    assert sorted(ended) == [0, 2]
    assert LogoutNotice.objects.count() == 2
