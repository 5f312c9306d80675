"""Reads gateways and routes from the settings, builds the gateways, and lists every mistake with a hint.

    SMS_GATEWAYS=one,two                      the names we give them, in the order they are tried
    SMS_ONE_KIND=kavenegar                    which adapter (or SMS_ONE_TYPE); without it the name is the kind
    SMS_ONE_KEY=…                             the adapter's own options (its REQUIRED and OPTIONAL)
    SMS_ONE_RECEIPT_TOKENS=new,old            the secret in the receipt URL; two while one is replaced
    SMS_ONE_RATE=10                           parts of SMS a second that it takes, from all workers together
    SMS_ROUTES=mci:one=3+two=1,three;*:two    per operator; "+" shares by weight, "," is the next resort

Without SMS_ROUTES, messages to every operator go through SMS_GATEWAYS in order.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache

from django.conf import settings

from common import limits
from common.operators import OPERATORS
from common.setting_faults import Fault, hint_for_unknown, hint_for_unread
from sms.gateways import KINDS
from sms.gateways.base import Gateway
from sms.gateways.http import HttpGateway

ANY = "*"
OWN_OPTIONS = ("KIND", "TYPE", "RECEIPT_TOKENS", "RATE")  # of every gateway
OF_ALL = ("SMS_GATEWAYS", "SMS_ROUTES", "SMS_DAILY_BUDGET")  # the settings that are no gateway's
SHORTEST_TOKEN = 24  # characters
_LABEL_HINT = "Shorten the label's translation, or leave the template's label out."
MOST_A_SECOND = 10_000  # parts
_RATE = re.compile(r"[0-9]{1,5}(\.[0-9]{1,3})?")
_NAME = re.compile(r"[a-z][a-z0-9]*")

Tier = tuple[tuple[str, int], ...]  # gateways that share the load, each with its weight
Route = tuple[Tier, ...]  # the first resort first


def names() -> tuple[str, ...]:
    return tuple(settings.SMS_GATEWAYS)


def options(name: str) -> dict[str, str]:
    """The options of gateway `name` from the environment, without the prefix and without those that every
    gateway has."""
    return {key: value for key, value in _all_options(name).items() if key not in OWN_OPTIONS}


def kind(name: str) -> str:
    given = _all_options(name)
    return given.get("KIND") or given.get("TYPE") or name


def receipt_tokens(name: str) -> tuple[str, ...]:
    """The secrets that the receipt URL of `name` may contain; empty: the gateway has no receipt URL."""
    text = _all_options(name).get("RECEIPT_TOKENS", "") if name in names() else ""
    return tuple(token.strip() for token in text.split(",") if token.strip())


def receipt_answer(name: str) -> str:
    """What the gateway wants to read when it has pushed a receipt."""
    return KINDS[kind(name)].RECEIPT_ANSWER if kind(name) in KINDS else Gateway.RECEIPT_ANSWER


def rate(name: str) -> float | None:
    """Parts of SMS a second that `name` may be given; None: what it takes. A setting that cannot be read counts as
    none: the checks name it."""
    text = _all_options(name).get("RATE", "")
    return float(text) if _is_rate(text) else None


def _is_rate(text: str) -> bool:
    return bool(_RATE.fullmatch(text)) and 0 < float(text) <= MOST_A_SECOND


def build(name: str) -> Gateway:
    """The gateway called `name`. Raises ValueError with what is wrong: its kind or its options."""
    if kind(name) not in KINDS:
        raise ValueError(f"there is no kind of gateway called '{kind(name)}'")
    return KINDS[kind(name)](name=name, options=options(name))


def route(operator: str) -> Route:
    """The route of messages to `operator`. Raises ValueError if SMS_ROUTES cannot be read."""
    routes = _routes(settings.SMS_ROUTES, names())
    return routes.get(operator) or routes.get(ANY, ())


def operators() -> tuple[str, ...]:
    """The operators that SMS_ROUTES names, without "*"."""
    return tuple(name for name in _routes(settings.SMS_ROUTES, names()) if name != ANY)


def _all_options(name: str) -> dict[str, str]:
    prefix = f"SMS_{name.upper()}_"
    environment: Mapping[str, str] = settings.SMS_ENVIRONMENT
    return {key.removeprefix(prefix): value for key, value in environment.items() if key.startswith(prefix)}


@cache
def _routes(text: str, gateways: tuple[str, ...]) -> dict[str, Route]:
    if not text.strip():
        return {ANY: tuple(((name, 1),) for name in dict.fromkeys(gateways))}
    routes: dict[str, Route] = {}
    for line in filter(None, map(str.strip, text.split(";"))):
        operator, colon, rest = line.partition(":")
        operator = operator.strip()
        if not (colon and operator and rest.strip()):
            raise ValueError(f"'{line}' is not 'operator:gateway,gateway'")
        if operator in routes:
            raise ValueError(f"'{operator}' has two routes")
        routes[operator] = tuple(_tier(part) for part in rest.split(","))
    return routes


def _tier(text: str) -> Tier:
    shares = []
    for share in text.split("+"):
        name, equals, weight = (part.strip() for part in share.partition("="))
        if not name or (equals and not (weight.isascii() and weight.isdigit())):
            raise ValueError(f"'{share.strip()[:40]}' is not 'gateway' or 'gateway=weight'")
        shares.append((name, weight_of(weight) if equals else 1))
    return tuple(shares)


def weight_of(digits: str) -> int:
    """The weight that `digits` say. Raises ValueError above `limits.SMS_LARGEST_WEIGHT`, which neither the column nor
    the random choice could handle."""
    if len(digits) > 20 or int(digits) > limits.SMS_LARGEST_WEIGHT:
        raise ValueError(f"a weight is {limits.SMS_LARGEST_WEIGHT} at most")
    return int(digits)


# ── What is wrong with it


def faults() -> list[Fault]:
    """Every mistake in the settings of gateways and routes; empty: messages can be sent."""
    return [*_faults_of_gateways(), *_faults_of_routes(), *_faults_of_budget()]


def _faults_of_gateways() -> Iterator[Fault]:
    for name in dict.fromkeys(names()):
        if not _NAME.fullmatch(name):
            hint = "Small Latin letters and digits, a letter first: its settings are SMS_<NAME>_…"
            yield Fault("sms.E002", f"SMS_GATEWAYS has '{name}', which cannot be a gateway's name.", hint)
        elif kind(name) not in KINDS:
            hint = f"Known are {', '.join(KINDS)}. Set SMS_{name.upper()}_KIND to one of them."
            yield Fault("sms.E001", f"SMS_GATEWAYS names '{name}', which does not exist.", hint)
        else:
            yield from _faults_of_options(name)
    for name in sorted({name for name in names() if names().count(name) > 1}):
        yield Fault("sms.E003", f"SMS_GATEWAYS has '{name}' twice.", "Name each gateway once.")


def _faults_of_options(name: str) -> Iterator[Fault]:
    prefix = f"SMS_{name.upper()}_"
    try:
        build(name)
    except ValueError as error:
        wanted = ", ".join(prefix + option for option in KINDS[kind(name)].REQUIRED) or "nothing"
        yield Fault("sms.E004", f"The settings {prefix}… are wrong: {error}.", f"Required: {wanted}.")
    given = _all_options(name)
    if given.get("KIND") and given.get("TYPE", given["KIND"]) != given["KIND"]:
        yield Fault("sms.E019", f"{prefix}KIND and {prefix}TYPE differ.", "They mean the same: keep one.")
    known = _known_options(name)
    for option in sorted(_all_options(name).keys() - set(known)):
        hint = hint_for_unknown(option, known, prefix=prefix)
        yield Fault("sms.E005", f"{prefix}{option} is no setting of a gateway of kind '{kind(name)}'.", hint)
    told = _all_options(name).get("RATE", "")
    if told and not _is_rate(told):
        hint = f"Parts of SMS a second, like 10 or 0.5, {MOST_A_SECOND} at most; without it, what the gateway takes."
        yield Fault("sms.E030", f"{prefix}RATE is no rate.", hint)
    yield from _faults_of_tokens(name)


def _known_options(name: str) -> list[str]:
    return [*OWN_OPTIONS, *KINDS[kind(name)].REQUIRED, *KINDS[kind(name)].OPTIONAL]


def _faults_of_tokens(name: str) -> Iterator[Fault]:
    setting, tokens = f"SMS_{name.upper()}_RECEIPT_TOKENS", receipt_tokens(name)
    if len(tokens) > 2:
        hint = "Two, separated by a comma, while the old one is being replaced."
        yield Fault("sms.E006", f"{setting} has {len(tokens)} tokens.", hint)
    if any(len(token) < SHORTEST_TOKEN or not re.fullmatch(r"[\w-]+", token, re.ASCII) for token in tokens):
        hint = "Make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
        yield Fault("sms.E007", f"{setting} has a token that is too short or does not fit into a URL.", hint)
    told = options(name).get("RECEIPT_URL", "")
    if told and not any(f"/sms/receipts/{name}/{token}/" in told for token in tokens):
        hint = f"It ends in /sms/receipts/{name}/TOKEN/ with one of {setting}."
        yield Fault("sms.E013", f"SMS_{name.upper()}_RECEIPT_URL is not where receipts are taken.", hint)


def _faults_of_routes() -> Iterator[Fault]:
    try:
        routes = _routes(settings.SMS_ROUTES, names())
    except ValueError as error:
        hint = "Write it like mci:one=3+two=1,three;*:two"
        yield Fault("sms.E008", f"SMS_ROUTES cannot be read: {error}.", hint)
        return
    for operator, tiers in routes.items():
        yield from _faults_of_operator(operator)
        yield from _faults_of_route(operator, tiers)
    if names() and ANY not in routes:
        hint = "Add '*:…' for all others; results and tests may go to any operator."
        yield Fault("sms.E011", f"SMS_ROUTES has no route for operators other than {', '.join(routes)}.", hint)


def _faults_of_operator(operator: str) -> Iterator[Fault]:
    """An operator that nobody can choose in step one: messages would take another route than the one intended."""
    if operator != ANY and operator not in OPERATORS:
        close = difflib.get_close_matches(operator, OPERATORS, n=1)
        hint = f"Known are {', '.join(OPERATORS)}, and {ANY} for all others."
        meant = f"Did you mean {close[0]}? " if close else ""
        yield Fault("sms.E015", f"SMS_ROUTES names '{operator}', which is no operator.", meant + hint)


def _faults_of_route(operator: str, tiers: Route) -> Iterator[Fault]:
    carriers = [name for tier in tiers for name, _weight in tier]
    for name in carriers:
        if name not in names():
            hint = f"Known are {', '.join(names()) or 'none'}; add it to SMS_GATEWAYS."
            yield Fault("sms.E009", f"SMS_ROUTES sends '{operator}' by '{name}', which is no gateway.", hint)
    if len(set(carriers)) < len(carriers):
        hint = "Name each gateway once in a route."
        yield Fault("sms.E010", f"SMS_ROUTES has a gateway twice in the route of '{operator}'.", hint)


def _faults_of_budget() -> Iterator[Fault]:
    if settings.SMS_DAILY_BUDGET < 0:
        hint = "Parts of SMS a day, or 'unlimited'."
        yield Fault("sms.E012", "SMS_DAILY_BUDGET is negative.", hint)
    elif not (settings.DEMO or settings.SMS_BUDGET_IS_SET):
        hint = "Set it to the parts of SMS a day that may be paid for, or write SMS_DAILY_BUDGET=unlimited."
        yield Fault("sms.E016", "SMS_DAILY_BUDGET is not set or 0, so an attack could spend without end.", hint)


def faults_of_labels(labels: Iterable[str]) -> list[Fault]:
    """Labels of codes that the template of a gateway would refuse: no such code would ever be sent by it."""
    return [
        Fault("sms.E020", f"The gateway '{gateway.name}' takes no codes called “{label}”: {why}.", _LABEL_HINT)
        for gateway in _sound()
        for label in labels
        if (why := gateway.label_fault(label))
    ]


def _sound() -> Iterator[Gateway]:
    """The gateways that can be built; the others are faults already."""
    for name in dict.fromkeys(names()):
        with suppress(ValueError):
            yield build(name)


# ── What is probably a mistake


def doubts() -> list[Fault]:
    """What the portal works with, and is probably not meant."""
    return [*_unread(), *_status_only()]


def _status_only() -> Iterator[Fault]:
    """Boxes of which nobody said how they accept a message: an error under a 200 would count as sent."""
    for name in dict.fromkeys(names()):
        if kind(name) == HttpGateway.KIND and HttpGateway.looks_at_status_only(options(name)):
            what = (
                f"Of the gateway '{name}' only the HTTP status is looked at: an error in the body counts as accepted."
            )
            hint = f"Set SMS_{name.upper()}_ACCEPTED to the pattern of an acceptance, or a KIND that knows the product."
            yield Fault("sms.W002", what, hint)


def _unread() -> list[Fault]:
    """Settings that are never read: misspelt, or of a gateway that is not in SMS_GATEWAYS."""
    of_gateways = tuple(f"SMS_{name.upper()}_" for name in names())
    given = sorted(settings.SMS_ENVIRONMENT.keys() - set(OF_ALL))
    unread = [name for name in given if not name.startswith(of_gateways)]
    sound = [name for name in names() if kind(name) in KINDS]
    meant = [*OF_ALL, *(f"SMS_{name.upper()}_{option}" for name in sound for option in _known_options(name))]
    hints = {name: hint_for_unread(name, meant, lists="SMS_GATEWAYS has") for name in unread}
    return [Fault("sms.W001", f"{name} is read by nobody.", hint) for name, hint in hints.items()]
