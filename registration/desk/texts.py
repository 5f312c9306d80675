"""Texts of the desk: verdicts, papers, ready reasons, history, and the errors as a clerk needs them."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common import limits
from common.persian import shown_masked, to_persian_digits
from common.sentences import Sentences, jalali, times, when_read
from registration import tracking
from registration.models import Event, Registration
from registration.services.transitions import ADMINISTRATOR, CITIZEN, PORTAL
from registration.states import State
from registration.texts import SENTENCES

Words = dict[str, Any]

# What the clerk ticks; an activation needs those of `desk.service.REQUIRED_PAPERS`.
PAPERS: Words = {
    "national_card": gettext_lazy("National card (the original)"),
    "birth_certificate": gettext_lazy("Birth certificate (the original)"),
    "mobile_ownership": gettext_lazy("Proof that the mobile is the person's own"),
    "other_photo_id": gettext_lazy("Another photo ID: passport or driving licence"),
}

# Ready reasons for a rejection. The citizen reads them in the SMS.
REASONS: Words = {
    "papers_differ": gettext_lazy("What was entered does not agree with the identity papers."),
    "not_the_holder": gettext_lazy("The person who came to the branch is not the holder of the national ID."),
    "mobile_of_another": gettext_lazy("The mobile is not the applicant's own."),
    "papers_doubtful": gettext_lazy("The identity papers could not be accepted."),
    "withdrawn": gettext_lazy("The applicant asked for it."),
}

# The result of the check, by outcome; a mismatch of the mobile's owner has a sentence of its own.
_VERDICTS: Words = {
    "match": gettext_lazy("Everything agreed with the registries."),
    "needs_a_person": gettext_lazy("The data are close to the civil registry's, but a person has to compare them."),
    "mismatch": gettext_lazy("Some of the data differ from the civil registry."),
    "not_found": gettext_lazy("The civil registry found nobody with this national ID and birth date."),
    "deceased": gettext_lazy("According to the civil registry this person has died."),
    "invalid_input": gettext_lazy("The registry could not read the question. The administrator has to look."),
    "unavailable": gettext_lazy("The registry has not answered yet; it is asked again by itself."),
    "misconfigured": gettext_lazy("The registry could not be asked. The administrator has to look."),
    "": gettext_lazy("Not checked yet."),
}
_OWNER_VERDICTS: Words = {
    "mismatch": gettext_lazy("The mobile is not in the name of this national ID. The identity was not checked."),
}

# Why requests are held, for administrators: by outcome, and by the question that got no answer.
_HELD: Words = {
    "": gettext_lazy("Not asked yet: they wait for their turn."),
    "unavailable": gettext_lazy("%(registry)s does not answer."),
    "misconfigured": gettext_lazy("%(registry)s cannot be asked: key, quota, daily cap or a missing extract."),
    "invalid_input": gettext_lazy("%(registry)s cannot read our question."),
}
_REGISTRIES: Words = {
    "owner": gettext_lazy("The registry of mobile owners"),
    "identity": gettext_lazy("The civil registry"),
}

# What a registry was asked, how it answered, and the codes that are ours; a provider's own code is shown as it is.
_QUESTIONS: Words = {
    "owner": gettext_lazy("whose the mobile is"),
    "person": gettext_lazy("who the person is"),
}
_REPLIES: Words = {
    "answered": gettext_lazy("answered"),
    "not_found": gettext_lazy("knows nothing of it"),
    "invalid_input": gettext_lazy("could not read the question"),
    "unavailable": gettext_lazy("did not answer"),
    "misconfigured": gettext_lazy("cannot be asked"),
}
_CODES: Words = {
    "no_time": gettext_lazy("the time of this round was over"),
    "rested": gettext_lazy("it is left alone for a while"),
    "daily_cap": gettext_lazy("the daily cap is reached"),
    "no_registry": gettext_lazy("no registry is set"),
    "raised": gettext_lazy("a fault in the portal's own code"),
    "no_extract": gettext_lazy("no extract is loaded"),
    "demo_down": gettext_lazy("the demo's outage"),
}

# What the civil registry says at this moment.
_REGISTRY_NOW: Words = {
    "match": gettext_lazy("The civil registry confirms everything that was claimed."),
    "needs_a_person": gettext_lazy("The civil registry's answer is close: compare the marked lines with the papers."),
    "mismatch": gettext_lazy("The civil registry differs in the marked lines: compare them with the papers."),
    "not_found": gettext_lazy(
        "The civil registry finds nobody with this national ID and birth date: compare both with the papers."
    ),
    "deceased": gettext_lazy("According to the civil registry this person has died."),
    "invalid_input": gettext_lazy(
        "The civil registry could not read the question. Tell the administrator; decide by the papers."
    ),
    "unavailable": gettext_lazy(
        "The civil registry did not answer. That is not the citizen's fault: open the page again a little later, or "
        "decide by the papers."
    ),
    "misconfigured": gettext_lazy(
        "The civil registry cannot be asked at present. Tell the administrator; decide by the papers."
    ),
}

# Shown beside the civil registry's answer, which says nothing about mobiles.
_OWNER_DIFFERS = gettext_lazy(
    "But the mobile is not in the name of this national ID: ask for a proof that it is the person's own, such as the "
    "contract of the SIM card, and send a code to it."
)

MARKS: Words = {
    "match": gettext_lazy("Agrees"),
    "mismatch": gettext_lazy("Differs"),
    "needs_a_person": gettext_lazy("Compare"),
    "unknown": gettext_lazy("Not known"),
}

_WHYS: Words = {
    "step_one": gettext_lazy("Began to register"),
    "code_right": gettext_lazy("Entered the code that was sent to the mobile"),
    "submitted": gettext_lazy("Submitted the data"),
    "corrected": gettext_lazy("Corrected the data and submitted them again"),
    "other_number": gettext_lazy("Proved another mobile and submitted the data again"),
    "number_taken_over": gettext_lazy("Went on with another request of the same national ID"),
    "mismatch": gettext_lazy("The identity data or the mobile did not agree"),  # an old event does not say which
    "matched": gettext_lazy("The data agreed with the registries"),
    "account_exists": gettext_lazy("An account for this national ID existed already"),
    "another_approved": gettext_lazy("Another registration with this national ID was approved"),
    "papers_checked": gettext_lazy("Papers checked at the branch"),
    "operator": gettext_lazy("Decided by an administrator"),
    "rejected": gettext_lazy("Rejected at the branch"),
    "abandoned": gettext_lazy("Left alone for too long"),
}

LOOKED = gettext_lazy("Looked at what the civil registry says")  # no transition: a look

# A clerk is not the citizen: these errors read differently at the desk.
_ERRORS: Words = {
    "code_expired": gettext_lazy(
        "There is no live code from you for this request: none was sent, or its time is over. Send a code and type "
        "what the citizen reads out."
    ),
    "code_wrong": gettext_lazy("This code is not right. Ask the citizen to read out the newest code of this request."),
    "code_tries": when_read(
        lambda: _("The code was wrong %(times)s. Send a new code.") % {"times": times(limits.CODE_TRIES)}
    ),
    "code_elsewhere": gettext_lazy(
        "This code is not right. A colleague has just had one sent to this number; yours follows by itself in "
        "%(wait)s seconds."
    ),
}
error_words = Sentences(SENTENCES | _ERRORS)


def tracking_code_words(row: Registration) -> str:
    """The tracking code 3-3-4 in Persian digits, "" before there is one. No-break spaces: plain ones
    would let a right-to-left line show the groups in the wrong order."""
    return to_persian_digits(tracking.grouped(row.tracking_code).replace(" ", "\u00a0")) if row.tracking_code else ""


def masked_mobile(row: Registration) -> str:
    return shown_masked(row.mobile)


def verdict_words(row: Registration) -> str:
    """The result of the check of `row`, as a sentence."""
    by_owner = _OWNER_VERDICTS.get(row.verdict) if row.verdict_kind == "owner" else None
    return str(by_owner or _VERDICTS[row.verdict])


def held_words(outcome: str, kind: str) -> str:
    """Why requests wait."""
    values = {"registry": _REGISTRIES.get(kind, _("A registry"))}
    return str(_HELD.get(outcome) or _VERDICTS[outcome]) % values


def question_words(question: str) -> str:
    """What a registry is asked."""
    return str(_QUESTIONS.get(question, question))


def answer_words(answer: dict[str, str]) -> dict[str, str]:
    """What a registry answered (`services.matching_status`), with our own names for things in words."""
    named = {"question": _QUESTIONS, "reply": _REPLIES, "code": _CODES}
    return answer | {name: str(words.get(answer[name], answer[name])) for name, words in named.items()}


def registry_words(outcome: str, *, owner_differs: bool) -> tuple[str, str]:
    """What the civil registry says now, what the check said about the mobile, and how loudly ("success", "warning",
    "error")."""
    if outcome == "deceased":
        return str(_REGISTRY_NOW[outcome]), "error"
    if owner_differs:
        return f"{_REGISTRY_NOW[outcome]} {_OWNER_DIFFERS}", "warning"
    return str(_REGISTRY_NOW[outcome]), "success" if outcome == "match" else "warning"


def actor_words(actor: str) -> str:
    """Who did it. Staff are shown by their user name."""
    if actor == CITIZEN:
        return _("The citizen")
    if actor == PORTAL:
        return _("The portal")
    if actor.startswith(ADMINISTRATOR):
        return _("Administrator %(name)s") % {"name": actor.removeprefix(ADMINISTRATOR)}
    return actor


def why_words(event: Event) -> str:
    """Why it happened; a verdict of the check speaks for itself, and names the question that decided."""
    by_owner = _OWNER_VERDICTS.get(event.why) if event.kind == "owner" else None
    by_question = by_owner or (_VERDICTS.get(event.why) if event.kind else None)
    return str(by_question or _WHYS.get(event.why) or _VERDICTS.get(event.why) or event.why)


def papers_words(event: Event) -> list[str]:
    """The papers that were seen."""
    return [str(PAPERS.get(paper, paper)) for paper in event.papers]


def already_decided(row: Registration) -> str:
    """Who decided about `row` before this clerk could, or "" when nobody did."""
    event = row.events.filter(to_state=row.state).last()
    values = {"who": actor_words(event.actor), "when": jalali(event.at, "time")} if event else {}
    if event and row.state == State.APPROVED:
        return _("This request was already activated by %(who)s (%(when)s).") % values
    if event and row.state == State.REJECTED:
        return _("This request was already rejected by %(who)s (%(when)s).") % values
    return ""
