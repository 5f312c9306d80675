"""Whether somebody has seen what a gateway sends: only then do citizens' messages go by it.

A gateway may accept every message and write question marks, cut a text after its first part, or lose the half-spaces.
No answer says so; a person who reads the phone does. So a new gateway gets no traffic until an administrator has read a
test message (`manage.py sms_send_test`), or has put on record that nobody needs to (`--assume-seen`). Those that had
carried messages before there was this rule count as seen (migration 0009). It is about gateways on the network, outside
demo mode.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid

from django.conf import settings
from django.db.models import Q

from common import alarms
from common.errors import PortalError
from common.hints import hint
from common.models import AlarmCode
from common.process_state import register_reset
from sms import configuration, outages, setups, texts
from sms.gateways import KINDS
from sms.models import GatewaySeen, Message, MessageKind, SeenHow

log = logging.getLogger(__name__)
LOOK_EVERY = 1.0  # seconds
_lock = threading.Lock()
_read_at = float("-inf")
_known: dict[str, tuple[str, str]] = {}  # the gateways on record, each with the kind and setup it had; empty: any


def may_carry(gateway: str) -> bool:
    """Whether citizens' messages may go by `gateway`."""
    return not needs_to_be_seen(gateway) or _is_on_record(gateway)


def needs_to_be_seen(gateway: str) -> bool:
    kind = configuration.kind(gateway)
    return not settings.DEMO and kind in KINDS and KINDS[kind].on_network


def unseen() -> list[str]:
    """The configured gateways that get no traffic because nobody has seen what they send."""
    return [name for name in dict.fromkeys(configuration.names()) if not may_carry(name)]


def nobody_sends() -> bool:
    """Whether all gateways are unseen, so that every message waits."""
    return bool(configuration.names()) and len(unseen()) == len(set(configuration.names()))


def what_to_do(gateway: str) -> str:
    """The command that gives `gateway` its traffic."""
    return f"manage.py sms_send_test --gateway {gateway} --to 09…"


def record(gateway: str, how: SeenHow, *, by: str) -> None:
    """Write who has seen what `gateway` sends, or assumes it, and let go what waited for it."""
    changes = {"how": how, "by": by[:150], "kind": configuration.kind(gateway), "setup": setups.setup(gateway)}
    GatewaySeen.objects.update_or_create(gateway=gateway, defaults=changes)
    log.warning("gateway %s counts as seen: %s by %s", gateway, how, by[:150])
    forget()
    alarms.clear(AlarmCode.UNSEEN, gateway)
    outages.let_go(gateway)
    hint("sms.drain")


def take_back(gateway: str, *, by: str) -> bool:
    """Let `gateway` be new again, as after it was set up otherwise. Returns whether it was on record."""
    deleted, _ = GatewaySeen.objects.filter(gateway=gateway).delete()
    log.warning("gateway %s counts as new again: by %s", gateway, by[:150])
    forget()
    return bool(deleted)


def test_key(gateway: str) -> str:
    """The dedupe key of a new test SMS. It says how `gateway` is set up, so that it confirms nothing else."""
    return f"test:{setups.setup(gateway)}:{uuid.uuid4().hex}"


def confirm(gateway: str, number: str, *, by: str) -> None:
    """As `record`, by who has read the last test SMS of `gateway` and knows the `number` at its end. Raises
    PortalError: wrong_number (another one, or no test whose text is still kept), other_setup (the gateway was set up
    otherwise since)."""
    tests = Message.objects.filter(gateway=gateway, kind=MessageKind.NOTICE, dedupe_key__startswith="test:")
    last = tests.order_by("-pk").first()
    if last is None or not number or texts.number_in_test(last.text) != number:
        raise PortalError("wrong_number")
    if last.dedupe_key.split(":")[1] != setups.setup(gateway):
        raise PortalError("other_setup")
    record(gateway, SeenHow.CONFIRMED, by=by)


def watch() -> None:
    """Sound the alarm of each gateway that waits for somebody to see what it sends, and end those of gateways that do
    not, or are no longer in the settings. Rows of an upgrade, which name no kind or no setup, get the present one, so
    that another one is noticed later."""
    for row in GatewaySeen.objects.filter(Q(kind="") | Q(setup=""), gateway__in=configuration.names()):
        if row.kind in ("", kind := configuration.kind(row.gateway)):
            changes = {"kind": kind, "setup": row.setup or setups.setup(row.gateway)}
            GatewaySeen.objects.filter(pk=row.pk, kind=row.kind, setup=row.setup).update(**changes)
    waiting = unseen()
    for name in waiting:
        alarms.sound(AlarmCode.UNSEEN, name, f"gets no traffic until: {what_to_do(name)}")
    for alarm in alarms.standing("sms"):
        if alarm.code == AlarmCode.UNSEEN and alarm.subject not in waiting:
            alarms.clear(AlarmCode.UNSEEN, alarm.subject)


@register_reset
def forget() -> None:
    """Read the rows again at the next call."""
    global _read_at
    with _lock:
        _read_at = float("-inf")


def _is_on_record(gateway: str) -> bool:
    """Of another kind than when it was seen, at another address or with another sender, it is another gateway under an
    old name."""
    global _read_at, _known
    with _lock:
        if time.monotonic() - _read_at >= LOOK_EVERY:
            rows = GatewaySeen.objects.values_list("gateway", "kind", "setup")
            _known = {name: (kind, setup) for name, kind, setup in rows}
            _read_at = time.monotonic()  # after a read that failed nothing is known, so it is read again
        kind, setup = _known.get(gateway, ("-", "-"))
    return kind in ("", configuration.kind(gateway)) and setup in ("", setups.setup(gateway))
