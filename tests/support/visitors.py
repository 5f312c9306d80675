"""Browsers that stand at every place of the portal, each a person of its own, brought there without a browser.

`print_places` runs where the portal's settings are (`manage.py shell`) and prints, by name, the cookies of a browser
that is there, with the address of its page where that is another one for each person.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any, TypeVar

from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.codes import challenges
from accounts.life import notices
from accounts.models import EventKind, User
from accounts.passwords.hashers import PortalArgon2Hasher
from common import hints, limits
from identity.registries.demo import CITIZENS, DemoCitizen
from registration.models import Registration
from registration.states import State
from tests.support import citizens
from tests.support.desk import QUEUE, Clerk
from tests.support.entrances import BY_CODE, sign_in
from tests.support.freezes import link_on
from tests.support.journeys import Answers, Browser, account_of, code_on, hidden, registration_in, row_of
from tests.support.profile import MOBILE, MOBILE_CODE, Mailbox
from tests.support.recoveries import ANSWER, OLD, REZA, Recoverer
from tests.support.recoveries import account_of as account_with_answer
from tests.support.second_chances import NUMBER

C = TypeVar("C", bound=Client)
STATUS, MAIL = "/portal/registration/status", "/portal/profile/email"
CHROMIUM = "Mozilla/5.0 (X11; Linux x86_64) Chrome/120.0 Safari/537.36"  # a session belongs to a browser's engine
_numbers = count(1)


def somebody() -> DemoCitizen:
    """A made-up person, whom no registry knows."""
    number = 880_000 + next(_numbers)
    return replace(CITIZENS[0], national_id=citizens.national_id(number), mobile=citizens.mobile(number))


def at_home(browser: C) -> C:
    """The browser, at the portal's own host and an address of its own on the network."""
    address = f"10.0.{next(_numbers)}.1"
    browser.defaults |= {"SERVER_NAME": "127.0.0.1", "REMOTE_ADDR": address, "HTTP_USER_AGENT": CHROMIUM}
    return browser


# The registration.


def at_step_two() -> Browser:
    browser = at_home(Browser())
    browser.step_one(somebody())
    return browser


def at_part(*before: str) -> Browser:
    """Step three, once the parts `before` are filled in."""
    browser, person = at_home(Browser()), somebody()
    browser.confirm(person)
    for part in before:
        assert browser.part(part, vars(Answers.of(person)) | {"draft": browser.draft()}).status_code == 302
    return browser


def at_the_end(state: State) -> Browser:
    """The closing page of a request that is in this state by now."""
    browser, person = at_home(Browser()), somebody()
    row = browser.register(person)
    earlier = timezone.now() - 2 * limits.SYSTEM_MESSAGE_FIRST
    facts: dict[str, Any] = {"state": state, "submitted_at": earlier}
    if state != State.SUBMITTED:
        facts["next_attempt_at"] = None
    if state == State.REFERRED:
        facts |= {"verdict": "mismatch", "verdict_kind": "identity"}
    if state == State.APPROVED:
        facts |= {"account": account_of(person)}
    Registration.objects.filter(pk=row.pk).update(**facts)
    return browser


def with_an_account() -> Browser:
    """Who registers though they have an account."""
    browser, person = at_home(Browser()), somebody()
    account_of(person)
    browser.confirm(person)
    return browser


def elsewhere() -> Browser:
    """Who went on at another device."""
    browser = at_part()
    row = Registration.objects.latest("pk")
    Registration.objects.filter(pk=row.pk).update(grant_hash="another")
    return browser


def second_chance(kind: str) -> Browser:
    browser, person = at_home(Browser()), somebody()
    registration_in(State.REFERRED, person=person, verdict="mismatch", verdict_kind=kind)
    browser.confirm(person)
    return browser


def at_another_number() -> Browser:
    """Who types the code of another number."""
    browser = second_chance("owner")
    another = {"draft": browser.draft(), "operator": "irancell", "mobile": citizens.mobile(next(_numbers))}
    assert browser.post(NUMBER, another)["Location"] == f"{NUMBER}/code"
    return browser


def looking(state: State, **facts: Any) -> Client:
    """Who sees the status of a request."""
    browser, person = at_home(Client()), somebody()
    row = registration_in(state, person=person, **facts)
    typed = {"national_id": person.national_id, "tracking_code": row.tracking_code or ""}
    assert browser.post(STATUS, typed)["Location"] == STATUS
    return browser


# The account.


def signed_in() -> Client:
    browser, account = at_home(Client()), account_of(somebody())
    assert sign_in(browser, str(account.national_id))["Location"] == "/portal/home"
    return browser


def at_the_second_step() -> Client:
    browser, account = at_home(Client()), account_of(somebody())
    User.objects.filter(pk=account.pk).update(code_at_sign_in=True)
    assert sign_in(browser, str(account.national_id))["Location"] == "/portal/sign-in/code"
    return browser


def at_the_code_of_a_pause() -> Client:
    browser, account = at_home(Client()), account_of(somebody())
    assert browser.post(BY_CODE, {"national_id": account.national_id})["Location"] == "/portal/sign-in/code"
    challenges.send_due()
    return browser


def changes_the_number(*, proven: bool) -> Client:
    browser, mobile = signed_in(), citizens.mobile(next(_numbers))
    typed = {"operator": "irancell", "mobile": mobile, "current_password": OLD}
    assert browser.post(MOBILE, typed)["Location"] == MOBILE_CODE
    if proven:
        change = hidden(browser.get(MOBILE_CODE), "change")
        browser.post(MOBILE_CODE, {"change": change, "code": code_on(mobile)})
    return browser


def confirms_an_address() -> tuple[Client, str]:
    browser = signed_in()
    browser.post(MAIL, {"email": f"someone{next(_numbers)}@example.com", "current_password": OLD})
    return browser, Mailbox()[-1].path


def says_not_me() -> tuple[Client, str]:
    person = somebody()
    with transaction.atomic():
        notices.record(account=account_of(person), kind=EventKind.PASSWORD_CHANGED)
    return at_home(Client()), link_on(person.mobile)


def recovers(step: str) -> Recoverer:
    """Who has come so far with a lost password."""
    browser, person = at_home(Recoverer()), REZA if step == "matched" else somebody()
    account_with_answer(person)
    {"begun": browser.begin}.get(step, lambda _: None)(person.national_id)
    {"proven": browser.prove, "answered": browser.answered, "matched": browser.matched}.get(step, lambda _: None)(
        person
    )
    if step == "refused":
        browser.prove(person)
        for _ in range(limits.ANSWER_TRIES):
            browser.step("recovery_answer", answer=f"not {ANSWER}")
    return browser


# The desk.


def at_the_desk() -> tuple[Client, str]:
    """A clerk, and the address of a request that waits for a branch."""
    row = row_of(_referred())
    return at_home(Clerk()), f"{QUEUE}{row.pk}/change/"


def _referred() -> DemoCitizen:
    person = somebody()
    fields = {"last_name": "mismatch"}
    registration_in(State.REFERRED, person=person, verdict="mismatch", verdict_kind="identity", verdict_fields=fields)
    return person


PLACES: dict[str, Callable[[], Any]] = {
    "nobody": lambda: at_home(Client()),
    "step two": at_step_two,
    "person": at_part,
    "contact": lambda: at_part("identity"),
    # Whoever types there leaves it behind.
    "step two typed": at_step_two,
    "person typed": at_part,
    "contact typed": lambda: at_part("identity"),
    "second chance typed": lambda: second_chance("identity"),
    "review": lambda: at_part("identity", "contact"),
    "submitted": lambda: at_the_end(State.SUBMITTED),
    "approved": lambda: at_the_end(State.APPROVED),
    "referred": lambda: at_the_end(State.REFERRED),
    "has an account": with_an_account,
    "elsewhere": elsewhere,
    "second chance": lambda: second_chance("identity"),
    "another number": lambda: second_chance("owner"),
    "number code": at_another_number,
    "status submitted": lambda: looking(State.SUBMITTED),
    "status referred": lambda: looking(State.REFERRED, verdict="mismatch", verdict_kind="identity"),
    "status awaiting": lambda: looking(State.AWAITING_BRANCH),
    "status approved": lambda: looking(State.APPROVED),
    "status rejected": lambda: looking(State.REJECTED),
    "status expired": lambda: looking(State.EXPIRED),
    "signed in": signed_in,
    "second step": at_the_second_step,
    "pause": at_the_code_of_a_pause,
    "mobile code": lambda: changes_the_number(proven=False),
    "mobile wait": lambda: changes_the_number(proven=True),
    "email": confirms_an_address,
    "not me": says_not_me,
    # Before the one who waits: the registries are asked about everybody at once.
    "recovery matched": lambda: recovers("matched"),
    "recovery begun": lambda: recovers("begun"),
    "recovery proven": lambda: recovers("proven"),
    "recovery answered": lambda: recovers("answered"),
    "recovery refused": lambda: recovers("refused"),
    "desk": at_the_desk,
}


def print_places() -> None:
    """Print every place as JSON: its `cookies`, and its `path` or ""."""
    PortalArgon2Hasher.memory_cost, PortalArgon2Hasher.time_cost = 64, 1
    hints._publish = lambda name: None
    printed = {}
    for name, bring in PLACES.items():
        try:
            found = bring()
        except Exception as error:
            raise RuntimeError(f"nobody gets to the place {name!r}: {error!r}") from error
        browser, path = found if isinstance(found, tuple) else (found, "")
        printed[name] = {"cookies": {key: morsel.value for key, morsel in browser.cookies.items()}, "path": path}
    print(json.dumps(printed))  # noqa: T201 - the command's answer
