"""What a trial cannot try and the portal knows all the same: how the service has proven itself, and its errors."""

from __future__ import annotations

from collections import Counter

from common import limits
from openid import usage
from openid.models import AuthMethod, ConnectedService
from openid.trial.report import Line, noted, ok, skipped

_ERROR = "error:"


def of(service: ConnectedService) -> list[Line]:
    """One line about its proof, one about its errors of the last days. One query."""
    counts: Counter[str] = Counter()
    for day in usage.of(service, days=limits.TRIAL_ERRORS_OF).values():
        counts.update(day)
    errors = {what.removeprefix(_ERROR): times for what, times in counts.items() if what.startswith(_ERROR)}
    said = "، ".join(f"{error} ({times})" for error, times in sorted(errors.items(), key=lambda each: -each[1]))
    days = limits.TRIAL_ERRORS_OF
    return [
        _proof(service, counts["token"] + counts["refresh"], days),
        noted("errors", "errors", errors=said, days=days) if said else ok("errors", "errors_none", days=days),
    ]


def _proof(service: ConnectedService, times: int, days: int) -> Line:
    """The secret is a hash here, and half of the key is with the service: only the service itself can try them."""
    if service.auth_method == AuthMethod.PUBLIC:
        return skipped("proof", "proof_public")
    has_one = bool(service.secret_hash or service.jwks)
    if not has_one:
        return noted("proof", "proof_none")
    if times:
        return ok("proof", "proof_used", times=times, days=days)
    return skipped("proof", "proof_unused", days=days)
