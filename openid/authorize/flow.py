"""Carries a checked request on in a browser: what is known of its citizen, what comes next, and the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749.errors import InvalidRequestError
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import User
from accounts.sessions import standing
from accounts.sessions.keys import key_of_row
from accounts.sessions.sign_in_facts import facts_of
from common.errors import PortalError
from openid import asking, connections, granting, id_token_hints, requests, subjects, usage
from openid.authorize.next_steps import SILENTLY, Known, Step, next_step
from openid.granting import SignIn
from openid.models import AuthorizationRequest, ConnectedService, Level
from openid.protocol import server
from openid.protocol.clients import client_of


@dataclass(frozen=True, slots=True)
class Checked:
    """A request that is in order. `row`: what is kept of it, None if it was answered so quickly that nothing had to
    be; `subject`: of whom alone the service wants to hear, "" for whoever signs in."""

    grant: Any
    asked: asking.Asked
    row: AuthorizationRequest | None = None
    subject: str = ""

    @property
    def service(self) -> ConnectedService:
        service: ConnectedService = self.grant.client.service
        return service

    @property
    def scopes(self) -> list[str]:
        return granting.scopes_asked(
            service=self.service, scope=self.grant.request.scope, claims=self.grant.request.claims
        )

    @property
    def parameters(self) -> dict[str, str]:
        parameters: dict[str, str] = self.grant.request.payload.data
        return parameters


def check(values: dict[str, list[str]]) -> Checked:
    """Check the parameters that a browser brought. Raises OAuth2Error."""
    return _read(server.check(values), None)


def check_kept(row: AuthorizationRequest) -> Checked:
    """Check a kept request anew: the service may have been suspended or changed meanwhile. Raises OAuth2Error."""
    return _read(server.check({name: [value] for name, value in row.parameters.items()}), row)


def _read(grant: Any, row: AuthorizationRequest | None) -> Checked:
    asked, service = grant.request, grant.client.service
    parameters = asked.payload.data
    try:
        read = asking.read(parameters, claims=asked.claims, service=service)
        if row is not None:
            subject = row.parameters.get(requests.HINTED_SUBJECT, "")
        else:
            subject = id_token_hints.subject(parameters.get("id_token_hint", ""), service=service)
    except OAuth2Error as error:
        raise _to_service(grant, error) from None
    return Checked(grant, read, row, subject)


def next_of(request: HttpRequest, checked: Checked) -> Step:
    """What comes next. Raises OAuth2Error, to be told to the service: it wants no page, but one is needed."""
    facts, now, row = facts_of(request), timezone.now(), checked.row
    known = None
    if facts is not None:
        account: Any = request.user
        known = Known(
            password_at=facts.password_at,
            code_at=facts.code_at,
            since=requests.brought_at(row) if row else now,
            is_hinted=_is_hinted(checked, account),
            has_chosen=row is not None and row.chosen_by_id == account.pk,
            has_agreed=not checked.service.is_third_party
            or connections.covers(account=account, service=checked.service, scopes=checked.scopes),
            agrees=row is not None and row.agreed_by_id == account.pk,
        )
    step = next_step(checked.asked, known, now)
    goes_on = step not in (Step.SIGN_IN, Step.CHOOSE)
    if goes_on and checked.subject and not _is_meant(checked, request.user):  # Core 3.1.2.1, not by prompt=none alone
        raise _to_service(checked.grant, OAuth2Error(error="login_required"))
    if checked.asked.silent and step != Step.ANSWER:
        raise _to_service(checked.grant, OAuth2Error(error=SILENTLY[step]))
    return step


def answer(request: HttpRequest, checked: Checked) -> str:
    """Answer the service: the address to which the browser goes, with a new code.

    Raises OAuth2Error, to be told to the service: the session or the account was closed at this moment.
    """
    facts, account = facts_of(request), request.user
    if facts is None or not isinstance(account, User):
        raise TypeError("a request of a signed-in citizen")
    reached = Level.CODE if facts.code_at is not None else Level.PASSWORD
    sign_in = SignIn(
        account=account,
        portal_sid=facts.portal_sid,
        acr=asking.told_level(checked.asked, reached),
        auth_time=facts.password_at,
    )
    try:
        with transaction.atomic():
            standing.open_account_of(account=account, session_key=key_of_row(request.session))
            if checked.row is not None:
                requests.use(row=checked.row)
            usage.count(checked.service, "sign_in")
            return server.answer(checked.grant, sign_in)
    except PortalError as error:
        if error.code != "session_over":
            raise
        raise _to_service(checked.grant, OAuth2Error(error="access_denied")) from None


def refusal(checked: Checked) -> str:
    """The address to which the browser goes after its citizen said no."""
    usage.count(checked.service, "error:access_denied")
    return server.refuse(checked.grant, OAuth2Error(error="access_denied"))


def refuse_number_in_address(checked: Checked) -> None:
    """Raises OAuth2Error, to be told to the service, if the `login_hint` in an address may be a national ID: addresses
    stand in histories and logs."""
    if requests.looks_like_national_id(checked.parameters.get("login_hint", "")):
        raise _to_service(
            checked.grant, InvalidRequestError("A national ID is taken by POST or by a pushed request only.")
        )


def count_error(error: OAuth2Error, client_id: str) -> None:
    """Count an error of the service with this ID, if it is one of ours."""
    client = client_of(client_id)
    if client is not None:
        usage.count(client.service, f"error:{error.error}")


def _to_service(grant: Any, error: OAuth2Error) -> OAuth2Error:
    """The same error, to be told at the request's address."""
    error.redirect_uri, error.state = grant.redirect_uri, grant.request.payload.state
    return error


def _is_hinted(checked: Checked, account: User) -> bool | None:
    """Whether the citizen who is signed in is the one that the service means; None where it means nobody."""
    if checked.subject:
        return _is_meant(checked, account)
    parameters = checked.row.parameters if checked.row else checked.parameters
    by_number = requests.hints_at(parameters=parameters, national_id=account.national_id)
    if by_number is not None or not parameters.get("login_hint"):
        return by_number
    return bool(subjects.subject_of(account=account, service=checked.service) == parameters["login_hint"])


def _is_meant(checked: Checked, account: Any) -> bool:
    """Whether this citizen is the one of the ID token that the service has shown."""
    return bool(subjects.subject_of(account=account, service=checked.service) == checked.subject)
