"""The way of a test citizen through the portal, in a transaction that is always rolled back."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.urls import reverse

from accounts.life.lifecycle import NewAccount, create_account
from accounts.models import Evidence, User
from common.links import absolute
from openid import credentials
from openid.models import AuthMethod, ConnectedService, Level, LogoutNotice
from openid.trial import id_tokens, proofs
from openid.trial.proofs import Proof
from openid.trial.report import Line, failed, noted, ok, skipped
from openid.trial.session import Browser, Page

log = logging.getLogger(__name__)

_NATIONAL_ID = "0000000000"  # of nobody: its digits are all the same
_LONGEST_WAY = 6  # pages of the portal between the request and its answer
_LEAST = ("suspended", "keys", "request", "tokens", "id_token", "userinfo", "introspection", "refresh", "sign_out")


class _StopError(Exception):
    """A step failed, so that those after it cannot be tried."""

    def __init__(self, line: Line) -> None:
        super().__init__(line.said)
        self.line = line


def through_the_portal(service: ConnectedService) -> list[Line]:
    """Try `service` from the request to the sign-out, each step by the portal's own pages and endpoints. Leaves
    nothing behind: neither rows nor messages nor counts."""
    lines: list[Line] = []
    with transaction.atomic():
        # As it is now, and before all other locks: else two trials of it, or a change meanwhile, could wait for each
        # other. Citizens sign in beside it.
        rows = ConnectedService.objects.select_for_update(of=("self",), no_key=True).select_related("sector")
        try:
            for line in _Way(rows.get(pk=service.pk)).walk():
                lines.append(line)
        except _StopError as stop:
            lines.append(stop.line)
        except Exception as error:  # an answer that is none: the administrator gets the report all the same
            log.exception("a trial broke off")
            step = next(step for step in (*_LEAST[1:], "told") if step not in {line.step for line in lines})
            lines.append(failed(step, "portals_fault", status=500, error=type(error).__name__))
        finally:
            transaction.set_rollback(True)
    reached = {line.step for line in lines}
    return lines + [skipped(step, "not_reached") for step in _LEAST[1:] if step not in reached]


@dataclass
class _Way:
    """What the test citizen's browser and the service's machine hold on the way."""

    service: ConnectedService
    browser: Browser = field(default_factory=Browser)
    machine: Browser = field(default_factory=Browser)
    verifier: str = field(default_factory=credentials.new, repr=False)
    state: str = field(default_factory=credentials.new)
    nonce: str = field(default_factory=credentials.new)
    proof: Proof = field(init=False)
    jwks: dict[str, Any] = field(init=False)
    code: str = field(init=False, repr=False)
    tokens: dict[str, Any] = field(init=False, repr=False)
    subject: str = field(init=False)
    here: str = field(init=False, default="")

    def walk(self) -> Iterator[Line]:
        yield from self._suspended()
        yield self._keys()
        yield from self._request()
        for step in (self._tokens, self._id_token, self._userinfo, self._introspection, self._refresh):
            yield step()
        yield from self._sign_out()

    @property
    def _address(self) -> str:
        """The authorization request of the service."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self.service.client_id,
            "redirect_uri": self.service.redirect_uris[0],
            "scope": " ".join(["openid", *self.service.scopes]),
            "state": self.state,
            "nonce": self.nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        return f"{reverse('openid_authorize')}?{urlencode(asked)}"

    def _suspended(self) -> Iterator[Line]:
        """A suspended service is refused; the rest is tried as if it worked."""
        if self.service.suspended_at is None:
            return
        page = self.browser.get(self._address)
        yield noted("suspended", "suspended") if page.status == 400 else failed("suspended", "suspended_answers")
        ConnectedService.objects.filter(pk=self.service.pk).update(suspended_at=None)

    def _keys(self) -> Line:
        document = self.machine.get(reverse("openid_configuration"))
        if document.status == 404:
            raise _StopError(failed("keys", "no_keys"))
        self.jwks = self.machine.get(str(document.data.get("jwks_uri", ""))).data
        algorithm = self.service.id_token_algorithm
        if not any(key.get("alg") == algorithm for key in self.jwks.get("keys", [])):
            raise _StopError(failed("keys", "no_key", algorithm=algorithm))
        return ok("keys", "keys_ok", issuer=document.data.get("issuer"), algorithm=algorithm)

    def _request(self) -> Iterator[Line]:
        """From the request over the pages in between to the answer."""
        self.browser.sign_in(_test_citizen())
        page, asked = self.browser.get(self._address), set()
        for _page in range(_LONGEST_WAY):
            target = urlsplit(page.leads_to)
            if page.leads_to.startswith(self.service.redirect_uris[0]):
                break
            if target.path == reverse("sign_in_again"):
                asked.add("level")
                self.browser.prove_code()
                page = self._open(parse_qs(target.query)["next"][0])
            elif page.leads_to:
                page = self._open(page.leads_to)
            elif mark := re.search(r'name="page" value="(\w+)"', page.text):
                asked.add("consent")
                page = self.browser.press(self.here, {"page": mark[1], "said": "agree"})
            else:
                raise _StopError(failed("request", "request_stuck", status=page.status))
        answer = dict(parse_qsl(urlsplit(page.leads_to).query))
        if "error" in answer:
            raise _StopError(failed("request", "request_refused", error=answer["error"]))
        if (answer.get("state"), answer.get("iss")) != (self.state, absolute("")) or "code" not in answer:
            raise _StopError(failed("request", "request_stuck", status=page.status))
        self.code = answer["code"]
        yield ok("request", "request_ok", address=self.service.redirect_uris[0])
        if self.service.required_level == Level.CODE:
            yield ok("level", "level_ok") if "level" in asked else failed("level", "level_missing")
        if self.service.is_third_party:
            yield ok("consent", "consent_ok") if "consent" in asked else failed("consent", "consent_missing")

    def _open(self, address: str) -> Page:
        """The page there; a form of it is sent to the same address."""
        self.here = address
        return self.browser.get(address)

    def _tokens(self) -> Line:
        self.proof = proofs.lend(self.service)
        asked = {"code": self.code, "redirect_uri": self.service.redirect_uris[0], "code_verifier": self.verifier}
        self.tokens = self._from_machine("tokens", "token", grant_type="authorization_code", **asked)
        return ok("tokens", "tokens_ok")

    def _id_token(self) -> Line:
        token = str(self.tokens.get("id_token", ""))
        claims, wrong = id_tokens.faults(token, self.jwks, service=self.service, nonce=self.nonce)
        if wrong:
            raise _StopError(failed("id_token", "id_token_wrong", what=wrong))
        self.subject = claims["sub"]
        return ok("id_token", "id_token_ok", algorithm=self.service.id_token_algorithm, acr=claims["acr"])

    def _userinfo(self) -> Line:
        bearer = {"Authorization": f"Bearer {self.tokens['access_token']}"}
        page = self.machine.get(reverse("openid_userinfo"), bearer)
        if page.status != 200:
            raise _StopError(_portals_fault("userinfo", page))
        if page.data.get("sub") != self.subject:
            raise _StopError(failed("userinfo", "userinfo_wrong"))
        return ok("userinfo", "userinfo_ok", claims="، ".join(page.data))

    def _introspection(self) -> Line:
        if self.service.auth_method == AuthMethod.PUBLIC:
            return skipped("introspection", "introspection_public")
        said = self._from_machine("introspection", "introspect", token=self.tokens["access_token"])
        if said.get("active") is not True:
            raise _StopError(failed("introspection", "introspection_wrong"))
        return ok("introspection", "introspection_ok")

    def _refresh(self) -> Line:
        asked = {"grant_type": "refresh_token", "refresh_token": self.tokens["refresh_token"]}
        self.tokens |= self._from_machine("refresh", "token", **asked)
        return ok("refresh", "refresh_ok")

    def _sign_out(self) -> Iterator[Line]:
        back = next(iter(self.service.post_logout_redirect_uris), "")
        asked = {"id_token_hint": self.tokens["id_token"]}
        if back:
            asked |= {"post_logout_redirect_uri": back, "state": self.state}
        page = self.browser.get(f"{reverse('openid_end_session')}?{urlencode(asked)}")
        sealed = parse_qs(urlsplit(page.leads_to).query).get("asked", [""])[0]
        shown = self.browser.get(page.leads_to)
        done = self.browser.press(reverse("openid_end_session_confirm"), {"asked": sealed, "said": "sign_out"})
        last = self.browser.get(done.leads_to) if done.leads_to else done
        bearer = {"Authorization": f"Bearer {self.tokens['access_token']}"}
        ended = self.machine.get(reverse("openid_userinfo"), bearer).status == 401
        if shown.status != 200 or not ended or not last.leads_to.startswith(back):
            yield failed("sign_out", "sign_out_wrong")
        else:
            yield ok("sign_out", "sign_out_ok", address=back) if back else noted("sign_out", "sign_out_nowhere")
        if not self.service.backchannel_logout_uri:
            yield noted("told", "told_nothing")
        elif LogoutNotice.objects.filter(service=self.service, subject=self.subject).exists():
            yield ok("told", "told_ok")
        else:
            yield failed("told", "told_wrong")

    def _from_machine(self, step: str, endpoint: str, **form: str) -> dict[str, Any]:
        """What an endpoint of machines answers to the service."""
        page = self.machine.post(reverse(f"openid_{endpoint}"), {**form, **self.proof.form()}, self.proof.headers)
        if page.status != 200:
            raise _StopError(_portals_fault(step, page))
        return page.data


def _portals_fault(step: str, page: Page) -> Line:
    return failed(step, "portals_fault", status=page.status, error=page.data.get("error", "—"))


def _test_citizen() -> User:
    """Somebody who does not exist, with an account that has everything a service may be told of."""
    person = NewAccount(
        national_id=_NATIONAL_ID,
        mobile="+989000000000",
        first_name="شهروند",
        last_name="آزمایشی",
        gender="female",
        birth_date=dt.date(1991, 8, 8),
        city="تهران",
        email="test@portal.invalid",
        password_hash=make_password(None),
        security_question="",
        security_answer_hash="",
    )
    return create_account(person=person, active=True, evidence=Evidence.REGISTRY)
