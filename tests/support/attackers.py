"""Strangers who guess: as many sessions and addresses as they like, at every door that takes a code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from django.db.models import Sum
from django.utils import timezone

from accounts.codes import challenges
from accounts.models import Allowance, CodePurpose, OneTimeCode, User
from accounts.profile import mobile_change
from accounts.sign_in import service as sign_in_service
from accounts.tasks import send_codes
from common.abuse.origins import Origin, origin_of
from common.errors import PortalError
from common.secrets import keyed_hash
from registration.desk import service as desk
from registration.services import journey, second_chance
from registration.services.lookup import by_token
from registration.states import State
from tests.support.accounts import clerk
from tests.support.journeys import MATCHES, account_of, registration_in

Guess = Callable[[str], object]
PAPERS = ["national_card", "birth_certificate"]


class Clock:
    """The portal's clock, moved by hand."""

    def __init__(self, monkeypatch) -> None:
        self.by, clock = timedelta(0), self

        class Moment(datetime):
            """Where `timezone.now` looks: fields have it as their default, so that it cannot be replaced itself."""

            @classmethod
            def now(cls, tz=None) -> datetime:
                return datetime.now(tz) + clock.by

        monkeypatch.setattr(timezone, "datetime", Moment)

    def move(self, span: timedelta) -> None:
        """Time goes by, and the worker looks at what is due."""
        self.by += span
        send_codes()

    @staticmethod
    def now() -> datetime:
        return timezone.now()


@dataclass
class Attack:
    """A stranger at one door: `ask` for a code in a session of its own, `guess` in that session."""

    name: str
    ask: Callable[[int], Guess]


def address(number: int) -> Origin:
    """One of a stranger's addresses, each in a network of its own."""
    return origin_of(f"10.{number % 250}.{number // 250}.1")


def answer(guess: Guess, typed: str) -> str:
    """The error's code of a wrong guess; "right" for a hit."""
    try:
        guess(typed)
    except PortalError as error:
        return error.code
    return "right"


def asked(ask: Callable[[int], Guess], session: int) -> Guess | None:
    """The session, if it may ask at all."""
    try:
        return ask(session)
    except PortalError:
        return None


def doors(addresses: int = 20) -> list[Attack]:
    """Every door that takes a code sent to the number of MATCHES, whose account exists; its owner is not there."""
    account = account_of(MATCHES)
    referred = registration_in(State.REFERRED, mobile=account.mobile)
    staff, numbers = clerk("attacker"), count()

    def register(session: int) -> Guess:
        asker = f"register {session}"
        row = journey.start(
            national_id=MATCHES.national_id, mobile=account.mobile, operator="mci", asker=asker,
            origin=address(session % addresses),
        ).registration  # fmt: skip
        return lambda typed: journey.confirm(registration=by_token(str(row.token)), asker=asker, typed_code=typed)

    def challenge(purpose: CodePurpose) -> Callable[[int], Guess]:
        def ask(session: int) -> Guess:
            row = challenges.begin(
                purpose=purpose, national_id=MATCHES.national_id, origin=address(session % addresses)
            )
            challenges.send_due()

            def guess(typed: str) -> object:
                row.refresh_from_db()
                return challenges.prove(challenge=row, typed_code=typed)

            return guess

        return ask

    def second_step(session: int) -> Guess:
        asker, user = f"second {session}", User.objects.get(pk=account.pk)
        sign_in_service.send_code(account=user, asker=asker)
        return lambda typed: sign_in_service.confirm_code(account=user, asker=asker, typed_code=typed)

    def other_number(session: int) -> Guess:
        asker, grant = f"other {session}", f"grant {session}"
        row = registration_in(
            State.REFERRED, mobile=f"+9893000{next(numbers):05}", verdict_kind="owner",
            grant_hash=keyed_hash("grant", grant),
        )  # fmt: skip
        second_chance.change_number(
            registration=row, grant=grant, mobile=account.mobile, operator="mci", asker=asker,
            origin=address(session % addresses),
        )  # fmt: skip
        row.refresh_from_db()
        return lambda typed: second_chance.confirm_number(registration=row, grant=grant, asker=asker, typed_code=typed)

    def new_mobile(session: int) -> Guess:
        user = _another_account(session)
        change = mobile_change.begin(account=user, checked=user.password, mobile=account.mobile, operator="mci")
        return lambda typed: mobile_change.confirm(change=change, typed_code=typed)

    def at_desk(session: int) -> Guess:
        asker = f"desk {session}"
        desk.send_code(registration=referred, revision=0, asker=asker)
        return lambda typed: desk.activate(
            registration=referred, revision=0, by=staff, asker=asker, typed_code=typed, papers=PAPERS, note="x"
        )

    return [
        Attack("register", register),
        Attack("recovery", challenge(CodePurpose.RECOVERY)),
        Attack("sign_in", challenge(CodePurpose.SIGN_IN)),
        Attack("other_number", other_number),
        Attack("second_step", second_step),
        Attack("new_mobile", new_mobile),
        Attack("desk", at_desk),
    ]


def compared(allowance: Allowance) -> int:
    """How many guesses were compared with a live code."""
    rows = OneTimeCode.objects.filter(allowance=allowance).exclude(code_hash="")
    return rows.aggregate(tries=Sum("tries"))["tries"] or 0


def sent(allowance: Allowance) -> int:
    """How many codes the number was sent."""
    return OneTimeCode.objects.filter(allowance=allowance).exclude(code_hash="").count()


def _another_account(session: int) -> User:
    user, _new = User.objects.get_or_create(
        username=f"attacker {session}",
        defaults={
            "national_id": f"9{session:09}", "mobile": f"+98931000{session:04}", "activated_at": timezone.now(),
            "password": "!",
        },
    )  # fmt: skip
    return user
