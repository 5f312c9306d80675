"""The portal's Celery application for `matching.py`, with the plain way to match: a task for each registration.

celery -A benchmarks.matching_worker worker …
"""

from __future__ import annotations

from dataclasses import asdict

import django

django.setup()

from django.db import transaction  # noqa: E402

from identity import services as identity  # noqa: E402
from identity.matching import Outcome  # noqa: E402
from registration import sms_texts  # noqa: E402
from registration.models import Registration  # noqa: E402
from registration.services import decisions  # noqa: E402
from registration.services.matching import claim_of  # noqa: E402
from registration.services.transitions import PORTAL, move  # noqa: E402
from registration.states import State  # noqa: E402
from tamin_portal.celery import app  # noqa: E402


@app.task(name="registration.plain", ignore_result=True)
def plain(pk: int) -> None:
    """What the drain is compared with: ask about one row, decide it and tell, each thing by its own statement."""
    row = Registration.objects.get(pk=pk)
    verdict = identity.check(claim=claim_of(row))
    columns = {
        "verdict": verdict.outcome.value,
        "verdict_kind": verdict.kind,
        "verdict_fields": verdict.fields,
        "verdict_traces": [asdict(trace) for trace in verdict.traces],
    }
    if verdict.outcome is Outcome.MATCH:
        decisions.approve(row, actor=PORTAL, why="matched", **columns)
        return
    with transaction.atomic():
        row = move(row, State.REFERRED, actor=PORTAL, why=verdict.outcome.value, kind=verdict.kind, **columns)
        text = sms_texts.visit_branch(name=row.full_name, gender=row.gender, tracking_code=row.tracking_code or "")
        decisions.tell(row, "referred:0", text)
