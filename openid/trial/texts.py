"""What a trial says: each step by its name, and each finding with what the administrator can do."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from common.sentences import Sentences, digits
from openid.trial.report import Outcome

OUTCOMES: dict[Outcome, Any] = {
    Outcome.OK: _("right"),
    Outcome.FAILED: _("wrong"),
    Outcome.NOTED: _("to be noted"),
    Outcome.SKIPPED: _("not tried"),
}
STEPS: dict[str, Any] = {
    "suspended": _("Suspended"),
    "keys": _("Discovery and signing keys"),
    "request": _("The request, up to the code"),
    "level": _("The required level"),
    "consent": _("The page that asks the citizen"),
    "tokens": _("The code for tokens"),
    "id_token": _("The ID token"),
    "userinfo": _("What it is told"),
    "introspection": _("Asking whether a token is good"),
    "refresh": _("New tokens for a refresh token"),
    "sign_out": _("A sign-out that the service begins"),
    "told": _("Being told of sign-outs"),
    "logout": _("Address for sign-outs"),
    "forged": _("A forged logout token"),
    "initiate": _("Address that starts a sign-in"),
    "home": _("Home page"),
    "redirect": _("Redirect address"),
    "after": _("Address after the sign-out"),
    "proof": _("How the service proves itself"),
    "errors": _("Errors"),
}
_WAY = {
    "suspended": _(
        "The service is suspended, and its request was refused as it should be. What follows was tried as if it worked."
    ),
    "suspended_answers": _(
        "The service is suspended, but its request was not refused. This is a fault of the portal: tell its operators."
    ),
    "keys_ok": _("The issuer is %(issuer)s, and there is a published key for %(algorithm)s."),
    "no_keys": _(
        "The portal has no folder of signing keys, so nobody can sign in to any service. Its operators set OPENID_KEYS."
    ),
    "no_key": _(
        "There is no signing key for %(algorithm)s. The operators of the portal run manage.py rotate_signing_key."
    ),
    "request_ok": _("The citizen came back to %(address)s with a code, the service's own state and the issuer."),
    "request_refused": _("The request was refused with “%(error)s”. Look at the addresses and scopes of the service."),
    "request_stuck": _(
        "The way ended at a page of the portal (HTTP %(status)s) without an answer. This is a fault of the portal: "
        "tell its operators."
    ),
    "level_ok": _("A code by SMS was asked for, as the service requires."),
    "level_missing": _("No code by SMS was asked for. This is a fault of the portal: tell its operators."),
    "consent_ok": _("The citizen was shown what the service is told, and agreed."),
    "consent_missing": _("The citizen was not asked. This is a fault of the portal: tell its operators."),
    "tokens_ok": _("The code and the proof of PKCE gave an access token, a refresh token and an ID token."),
    "portals_fault": _(
        "The portal answered HTTP %(status)s (%(error)s). This is a fault of the portal, not of the service: tell its "
        "operators, its log says more."
    ),
    "id_token_ok": _(
        "It is signed by %(algorithm)s; issuer, audience, nonce and times are right, the level is %(acr)s."
    ),
    "id_token_wrong": _("This is wrong in it: %(what)s. It is a fault of the portal: tell its operators."),
    "userinfo_ok": _("These claims were told of the test citizen: %(claims)s"),
    "userinfo_wrong": _(
        "It names another subject than the ID token. This is a fault of the portal: tell its operators."
    ),
    "introspection_ok": _("The portal said of the access token that it is active."),
    "introspection_wrong": _(
        "The portal said of a good token that it is not active. This is a fault of the portal: tell its operators."
    ),
    "introspection_public": _("An app without a secret cannot ask this: it proves nothing."),
    "refresh_ok": _("The refresh token gave new tokens."),
    "sign_out_ok": _("After the question, the tokens were void and the citizen was led back to %(address)s."),
    "sign_out_nowhere": _(
        "After the question, the tokens were void. No address after the sign-out is registered, so citizens stay "
        "at the portal."
    ),
    "sign_out_wrong": _("The sign-out did not go as it should. This is a fault of the portal: tell its operators."),
    "told_ok": _("A message to the service was queued."),
    "told_nothing": _(
        "No address for sign-outs is registered: who signs out of the portal, or says “not me”, stays signed in at the "
        "service. Ask its developer for one."
    ),
    "told_wrong": _("No message to the service was queued. This is a fault of the portal: tell its operators."),
    "not_reached": _("It could not be tried, because something before it failed."),
}
_ADDRESSES = {
    "answers": _("%(address)s answers (HTTP %(status)s)."),
    "nothing_there": _(
        "The host answers, but has nothing at %(address)s (HTTP %(status)s). Compare the path, letter by letter, with "
        "what the service itself uses."
    ),
    "no_get": _("%(address)s takes no GET (HTTP 405), but that is how browsers come there. Ask its developer."),
    "its_fault": _(
        "%(address)s answers with a fault (HTTP %(status)s). Without a code that may be its way; ask its developer to "
        "look into its log."
    ),
    "no address": _("The name %(host)s leads nowhere. Is it spelt right, and does the portal's network know it (DNS)?"),
    "refused": _("Nobody listens at %(host)s. Does the service run, and is the port right?"),
    "time-out": _("%(host)s gave no connection in time. Does the service run, and does a firewall stand in between?"),
    "tls": _(
        "The certificate of %(host)s is not valid: it is over, made for another name, or its chain is not complete."
    ),
    "this machine": _(
        "Its name leads to the portal's own machine, so the portal sends nothing there. Register one that leads to the "
        "service."
    ),
    "no https": _("It is no https address, so the portal sends nothing there. Register one that begins with https://."),
    "no answer": _("%(host)s was reached, but gave no whole answer in time. Ask its developer to look into its log."),
    "broken": _("The connection to %(host)s broke off (%(word)s)."),
    "own_machine": _("%(address)s is on the citizen's own machine, and can be tried only there."),
    "logout_ok": _("It took a right logout token about a session that does not exist (HTTP %(status)s)."),
    "logout_refused": _(
        "It refused a right logout token (HTTP %(status)s). Perhaps only because there is no such session; else it "
        "does not believe our tokens: issuer, audience (client_id), published keys, its clock."
    ),
    "logout_wrong": _(
        "It answered a right logout token with HTTP %(status)s. 200 or 204 means done; anything else is sent "
        "again. Is this the address that takes logout tokens by POST, without a CSRF token?"
    ),
    "forged_refused": _("It did not take a logout token that a stranger had signed (HTTP %(status)s)."),
    "forged_taken": _(
        "It took a logout token that a stranger had signed (HTTP %(status)s): anybody can sign its citizens out. Its "
        "developer has to check the signature with the published keys."
    ),
    "initiate_ok": _("It leads back to the portal with a request that is in order."),
    "initiate_page": _(
        "It answers with a page (HTTP %(status)s) and does not lead to the portal by itself. Try in a browser "
        "whether a sign-in begins there."
    ),
    "initiate_elsewhere": _(
        "It leads to %(host)s and not to the portal. Try in a browser whether a sign-in begins there."
    ),
    "initiate_other": _(
        "It leads to the portal, but not with a request of this service. Its client_id is %(client_id)s."
    ),
    "initiate_wrong": _("It leads to the portal, which refuses its request: %(error)s. %(details)s"),
}
_KNOWN = {
    "proof_public": _("An app without a secret proves itself by PKCE alone."),
    "proof_used": _(
        "The trial used a secret or key of its own. The service has proven itself %(times)s times in the last %(days)s "
        "days."
    ),
    "proof_unused": _(
        "The trial used a secret or key of its own: the portal does not know the service's. In the last %(days)s days "
        "the service has not proven itself once."
    ),
    "proof_none": _("The service has no secret or key yet, so it cannot get tokens. Give it a new secret."),
    "errors_none": _("None in the last %(days)s days."),
    "errors": _(
        "In the last %(days)s days: %(errors)s. With invalid_client the secret or the key is wrong; with invalid_grant "
        "codes or refresh tokens are used too late or twice; with invalid_request something of the request."
    ),
}
_sentence = Sentences({**_WAY, **_ADDRESSES, **_KNOWN})


def sentence(said: str, values: dict[str, str]) -> str:
    """The sentence of a line. Addresses and words of the protocol are kept apart from the Persian around them (UAX 9,
    isolates)."""
    shown = {name: f"\u2068{value}\u2069" for name, value in values.items()}
    shown |= {name: digits(values[name]) for name in ("times", "days") if name in values}
    shown |= {"status": values["status"]} if "status" in values else {}  # belongs to the word "HTTP" before it
    return _sentence(said, **shown)
