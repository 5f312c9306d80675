"""How the person of each older account was proven, as far as its registration's events tell: matched by the
registries, or papers seen at a branch.

In small steps that each stand for themselves; run again, it does what is left. Backwards nothing is done: the columns
are of accounts, and go with them.
"""

from typing import Any

from django.db import migrations

_AT_ONCE = 500


def tell_evidence(apps: Any, _schema_editor: Any) -> None:
    user, event = apps.get_model("accounts", "User"), apps.get_model("registration", "Event")
    unknown = user.objects.filter(identity_evidence="", activated_at__isnull=False).exclude(national_id="")
    last = 0
    while keys := list(unknown.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:_AT_ONCE]):
        last = keys[-1]
        told = event.objects.filter(registration__account__in=keys, registration__state="approved")
        proven: dict[int, tuple[str, Any]] = {}
        for one in told.select_related("registration").order_by("at", "pk"):
            if found := _proves(one):  # the last one counts
                proven[one.registration.account_id] = found, one.at
        user.objects.bulk_update(
            [user(pk=pk, identity_evidence=how, identity_proven_at=at) for pk, (how, at) in proven.items()],
            ["identity_evidence", "identity_proven_at"],
        )


def _proves(event: Any) -> str:
    """What the event proves. An administrator's command proves nobody: what a match had proven stays."""
    if event.to_state == "approved" and event.papers:
        return "papers"
    matched = event.to_state in ("approved", "awaiting_branch") and event.why == "matched"
    return "registry" if matched else ""


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("accounts", "0010_names_of_sessions_and_evidence"),
        ("registration", "0006_not_in_the_certificate"),
    ]

    operations = [
        migrations.RunPython(tell_evidence, migrations.RunPython.noop),
    ]
