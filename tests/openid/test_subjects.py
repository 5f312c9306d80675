"""Pairwise subjects: services of two sectors cannot match citizens, and a sector that was used does not change."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from django.db import transaction

from accounts.models import User
from common.errors import PortalError
from openid import subjects
from openid.models import ConnectedService, Sector
from openid.subjects import move_service, rename_sector, subject_of
from tests.support import openid
from tests.support.accounts import citizen, together

pytestmark = pytest.mark.django_db


def sector(name: str) -> Sector:
    return Sector.objects.create(name=name)


def fresh(service: openid.Service) -> ConnectedService:
    return ConnectedService.objects.select_related("sector").get(pk=service.row.pk)


def test_one_sector_knows_a_citizen_by_one_subject_and_another_sector_by_another():
    account, other = citizen(), citizen(national_id="0070001014", mobile="+989120000101")
    first, second = openid.service(sector="a"), openid.service(sector="a")
    stranger = openid.service(sector="b")

    known = subject_of(account=account, service=first.row)

    assert known == subject_of(account=account, service=fresh(second))
    assert (
        len({known, subject_of(account=account, service=stranger.row), subject_of(account=other, service=first.row)})
        == 3
    )
    assert str(account.subject) not in known
    assert account.national_id not in known
    assert known.isascii()
    assert len(known) <= 255  # OpenID Connect Core, 2


def test_the_subject_is_asked_for_without_a_query_once_the_sector_is_used(django_assert_num_queries):
    account, service = citizen(), openid.service()
    subject_of(account=account, service=service.row)
    used = fresh(service)
    with django_assert_num_queries(0):
        subject_of(account=account, service=used)


def test_what_was_used_cannot_be_changed():
    account, service = citizen(), openid.service(sector="a")
    rename_sector(sector=service.row.sector, name="b")
    move_service(service=service.row, sector=sector("c"))
    known = subject_of(account=account, service=service.row)

    with pytest.raises(PortalError, match="sector_is_used"):
        rename_sector(sector=service.row.sector, name="d")
    with pytest.raises(PortalError, match="sector_is_used"):
        move_service(service=service.row, sector=sector("e"))

    assert subject_of(account=account, service=fresh(service)) == known


def test_a_name_that_was_changed_past_us_gives_no_subject_rather_than_another_one():
    account, service = citizen(), openid.service(sector="a")
    subject_of(account=account, service=service.row)
    Sector.objects.update(name="b")  # by hand, in the database
    with pytest.raises(PortalError, match="sector_changed"):
        subject_of(account=account, service=fresh(service))


def test_another_key_gives_no_subject_rather_than_another_one(settings):
    account, service = citizen(), openid.service()
    known = subject_of(account=account, service=service.row)
    before = settings.OPENID_SUBJECT_KEY
    settings.OPENID_SUBJECT_KEY = "z" * 60
    with pytest.raises(PortalError, match="sector_changed"):
        subject_of(account=account, service=fresh(service))
    settings.OPENID_SUBJECT_KEY = ""
    with pytest.raises(PortalError, match="no_subject_key"):
        subject_of(account=account, service=fresh(service))
    settings.OPENID_SUBJECT_KEY = before
    assert subject_of(account=account, service=fresh(service)) == known


def test_a_service_that_was_read_before_it_moved_gets_no_subject_of_the_old_sector():
    account, service = citizen(), openid.service(sector="a")
    read_before = fresh(service)
    move_service(service=service.row, sector=sector("b"))
    with pytest.raises(PortalError, match="sector_changed"):
        subject_of(account=account, service=read_before)
    assert Sector.objects.get(name="a").used_at is None


GRACE = 0.3  # seconds in which the other one comes to wait for it; if it is too slow, they come one after another


def used_and_changed(service: openid.Service, change: Callable[[], None], *, first: str) -> tuple[object, object]:
    """What the first subject and a change at the same moment come to: each a value, or what it raised. `first` has the
    row's lock when the other one begins; both have read the service before."""
    account, read_before, held = User.objects.get(), fresh(service), threading.Event()
    real = subjects._mark

    def mark(name: str) -> str:
        if first == "use" and not held.is_set():
            held.set()
            time.sleep(GRACE)
        return real(name)

    def use() -> str:
        if first == "change":
            assert held.wait(20)
        return subject_of(account=account, service=read_before)

    def changed() -> str:
        if first == "use":
            assert held.wait(20)
        with transaction.atomic():
            change()
            if first == "change":
                held.set()
                time.sleep(GRACE)
        return "changed"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subjects, "_mark", mark)
        used, done = together(lambda number: (changed if number else use)(), 2)
    return used, done


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("what", ["renamed", "moved"])
@pytest.mark.parametrize("first", ["change", "use"])
def test_at_the_same_moment_either_the_change_wins_or_the_first_subject(what: str, first: str):
    account, service, other = citizen(), openid.service(sector="a"), sector("other")

    def change() -> None:
        if what == "renamed":
            rename_sector(sector=service.row.sector, name="renamed")
        else:
            move_service(service=service.row, sector=other)

    used, changed = used_and_changed(service, change, first=first)

    after = fresh(service)
    if first == "use":
        assert getattr(changed, "code", changed) == "sector_is_used"
        assert after.sector.name == "a"
        assert used == subject_of(account=account, service=after)
    elif what == "renamed":
        assert (changed, after.sector.name) == ("changed", "renamed")
        assert used == subject_of(account=account, service=after)  # what was handed out is what stays
    else:
        assert (changed, after.sector.name) == ("changed", "other")
        assert isinstance(used, PortalError)  # or it would have the subject of a sector that it is not in
        assert used.code == "sector_changed"
