"""Slows down what fails to prove that it is a service, and who sends very many requests that wait; counted in the
database.

A secret has 256 random bits, so nobody guesses one; the limit keeps a broken or hostile program from filling logs and
tables. Who proves itself is never refused: a stranger who fails in a service's name cannot lock it out.
"""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from common import limits
from common.secrets import keyed_hash
from openid import sql
from openid.models import AuthenticationFailure

PURPOSE = "openid-failure"


def failed(*, client_id: str, address: str) -> int:
    """Count a failure; returns the seconds that it is told to wait, 0 while it is under the limits."""
    now = timezone.now().timestamp()
    who = [keyed_hash(PURPOSE, f"address {address}"), keyed_hash(PURPOSE, f"service {client_id}")]
    by_address, by_service = sql.count_failures(who, int(now // 60))
    if by_address <= limits.OPENID_FAILURES_PER_ADDRESS and by_service <= limits.OPENID_FAILURES_PER_SERVICE:
        return 0
    return 60 - int(now % 60)


def kept(*, address: str) -> int:
    """Count a request that is about to be kept for a stranger; returns the seconds to wait, 0 while it is under the
    limit. Services that prove themselves are not counted: thousands of citizens are behind one machine."""
    now = timezone.now().timestamp()
    (by_address,) = sql.count_failures([keyed_hash(PURPOSE, f"kept {address}")], int(now // 60))
    return 0 if by_address <= limits.OPENID_KEPT_PER_ADDRESS else 60 - int(now % 60)


def purge(*, before: datetime, dry_run: bool) -> int:
    """Delete the counts of minutes before this moment; returns how many."""
    rows = AuthenticationFailure.objects.filter(minute__lt=int(before.timestamp() // 60))
    return rows.count() if dry_run else rows.delete()[0]
