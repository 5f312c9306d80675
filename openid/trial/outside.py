"""The service's own half: whether its addresses can be reached, and answer as they should. Each is called once, several
at the same time, by the same way out as logout tokens. Nothing of a citizen is sent."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from authlib.oauth2 import OAuth2Error
from django.utils import timezone
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from common import http_client, limits
from common.errors import PortalError
from common.links import absolute
from openid import keys, outgoing, requests, ways_back
from openid.discovery import ENDPOINTS
from openid.logout import calling
from openid.models import AuthMethod, ConnectedService, EndReason, LogoutNotice
from openid.protocol import server
from openid.protocol.clients import LOOPBACK
from openid.trial.report import Line, failed, noted, ok, skipped

_WORDS = {
    "no address",
    "refused",
    "time-out",
    http_client.WRONG_CERTIFICATE,
    http_client.NOT_OUTSIDE,
    outgoing.NO_HTTPS,
}
Judge = Callable[[http_client.Answer], Line]


@dataclass(frozen=True, slots=True)
class _Call:
    """One address that is called, and who judges its answer. `form`: what is posted; None: GET."""

    step: str
    address: str
    judge: Judge
    form: dict[str, str] | None = None


def addresses_of(service: ConnectedService) -> list[Line]:
    """Try every address of `service`; uses the database only when all calls are over."""
    calls = list(_calls(service))[: limits.TRIAL_ADDRESSES]
    with ThreadPoolExecutor(limits.TRIAL_PLACES, thread_name_prefix="openid-trial") as pool:
        heard = list(pool.map(_heard, calls))
    lines = [_judged(call, answer) for call, answer in zip(calls, heard, strict=True)]
    own = [address for address in service.redirect_uris if _is_own_machine(service, address)]
    return lines + [skipped("redirect", "own_machine", address=address) for address in own]


def _calls(service: ConnectedService) -> Iterable[_Call]:
    if service.backchannel_logout_uri:
        yield from _logouts(service)
    if service.initiate_login_uri:
        yield _Call("initiate", ways_back.way_back(service), lambda answer: _initiated(service, answer))
    if service.home_page:
        yield _Call("home", service.home_page, lambda answer: _page("home", service.home_page, answer))
    for step, addresses in (("redirect", service.redirect_uris), ("after", service.post_logout_redirect_uris)):
        for address in addresses:
            if not _is_own_machine(service, address):
                yield _Call(step, address, lambda answer, step=step, address=address: _page(step, address, answer))  # type: ignore[misc]


def _logouts(service: ConnectedService) -> Iterable[_Call]:
    """A right logout token of a session that never was, and one that a stranger has signed."""
    address = service.backchannel_logout_uri
    notice = LogoutNotice(
        service=service, sid=secrets.token_hex(16), subject=secrets.token_urlsafe(32), reason=EndReason.SIGNED_OUT
    )
    claims, algorithm = calling.claims_of(notice), service.id_token_algorithm
    try:
        right = keys.sign(claims, algorithm, calling.TOKEN_TYPE)
    except PortalError:
        return
    key = ECKey.generate_key("P-256") if algorithm == "ES256" else RSAKey.generate_key(2048)
    kid = keys.public_jwks()["keys"][0]["kid"]  # as if it were one of ours
    header = {"alg": algorithm, "kid": kid, "typ": calling.TOKEN_TYPE}
    forged = jwt.encode(header, claims | {"jti": secrets.token_hex(16)}, key, algorithms=[algorithm])
    yield _Call("logout", address, _told, {"logout_token": right})
    yield _Call("forged", address, _forged, {"logout_token": forged})


def _heard(call: _Call) -> http_client.Answer | str:
    """The answer, or a word for why there is none."""
    within = {"connect_within": limits.TRIAL_CONNECT_WITHIN, "answer_within": limits.TRIAL_ANSWER_WITHIN}
    try:
        return outgoing.call(call.address, form=call.form, **within)
    except http_client.NotSent as error:
        return str(error)
    except http_client.NoAnswer:
        return "no answer"
    except Exception as error:  # one odd address spoils no other line
        return type(error).__name__


def _judged(call: _Call, heard: http_client.Answer | str) -> Line:
    if not isinstance(heard, str):
        return call.judge(heard)
    host, said = urlsplit(call.address).netloc, heard if heard in _WORDS or heard == "no answer" else "broken"
    return failed(call.step, said, host=host, word=heard)


def _page(step: str, address: str, answer: http_client.Answer) -> Line:
    """An address to which browsers are led by GET."""
    if answer.status in (404, 410):
        return failed(step, "nothing_there", address=address, status=answer.status)
    if answer.status == 405:
        return failed(step, "no_get", address=address)
    if answer.status >= 500:
        return noted(step, "its_fault", address=address, status=answer.status)
    return ok(step, "answers", address=address, status=answer.status)


def _told(answer: http_client.Answer) -> Line:
    if answer.status in calling.DONE:
        return ok("logout", "logout_ok", status=answer.status)
    if answer.status == calling.CANNOT:
        return noted("logout", "logout_refused", status=answer.status)
    return failed("logout", "logout_wrong", status=answer.status)


def _forged(answer: http_client.Answer) -> Line:
    if answer.status in calling.DONE:
        return failed("forged", "forged_taken", status=answer.status)
    return ok("forged", "forged_refused", status=answer.status)


def _initiated(service: ConnectedService, answer: http_client.Answer) -> Line:
    """The service has to lead to the authorization endpoint with a request that is in order."""
    address = service.initiate_login_uri
    if not 300 <= answer.status < 400 or not answer.location:
        return (
            noted("initiate", "initiate_page", status=answer.status)
            if answer.status < 400
            else _page("initiate", address, answer)
        )
    if not answer.location.startswith(absolute(ENDPOINTS["authorization_endpoint"]) + "?"):
        return noted("initiate", "initiate_elsewhere", host=urlsplit(answer.location).netloc or address)
    values = parse_qs(urlsplit(answer.location).query, keep_blank_values=True)
    if values.get("client_id") != [service.client_id]:
        return failed("initiate", "initiate_other", client_id=service.client_id)
    if handle := requests.handle_of(values.get("request_uri", [""])[0]):
        row = requests.find(handle)
        is_good = row is not None and row.service_id == service.pk and row.expires_at > timezone.now()
        return ok("initiate", "initiate_ok") if is_good else failed("initiate", "initiate_other", client_id="")
    try:
        server.check(values)
    except OAuth2Error as error:
        if service.suspended_at is not None and error.error == "unauthorized_client":
            return ok("initiate", "initiate_ok")
        return failed("initiate", "initiate_wrong", error=error.error, details=error.description or "")
    return ok("initiate", "initiate_ok")


def _is_own_machine(service: ConnectedService, address: str) -> bool:
    """Whether it is an address of an app on the citizen's own machine, which is not ours."""
    return service.auth_method == AuthMethod.PUBLIC and urlsplit(address).hostname in LOOPBACK
