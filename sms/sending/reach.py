"""Which gateways this process reaches, and which messages it leaves to others: those whose first gateway counts its
binds, while another process has them (`sms.binds`)."""

from __future__ import annotations

from sms import binds, routing, seen
from sms.gateways import base
from sms.sending.answer_queue import Ended
from sms.sending.calls import Answer
from sms.sending.job import Call, Job


def reached() -> list[base.Gateway]:
    """The gateways of the settings that this process may use. Those with a connection of their own keep it open.

    One that nobody has seen (`sms.seen`) carries nothing, so it is not bound: a contract of one bind leaves that to the
    test SMS. It counts as reached, so that somebody looks after the messages that wait for it.
    """
    configured = routing.configured()
    new = [gateway for gateway in configured if gateway.binds is not None and not seen.may_carry(gateway.name)]
    gateways = [gateway for gateway in configured if gateway in new or binds.has(gateway)]
    for gateway in gateways:
        if gateway not in new:
            gateway.stay_connected()
    return gateways


def is_elsewhere(job: Job) -> bool:
    """Whether another process has to send `job`. A gateway further behind in its route does not wait for us; and what
    has another gateway does not wait for one that we do not reach."""
    if len(job.gateways) > 1 and binds.left(job.gateways[0]) and not binds.has(job.gateways[0]):
        job.gateways = job.gateways[1:]
    job.gateways = [gateway for place, gateway in enumerate(job.gateways) if place == 0 or binds.has(gateway)]
    return bool(job.gateways) and not binds.has(job.gateways[0])


def judged_all(ended: Ended) -> Ended:
    """The answers, with "no further bind" said for what it means here (`binds.refused`). A job that another process has
    to send by that gateway gets it as its first one again."""
    return [(call, _judged(call, said)) for call, said in ended]


def _judged(call: Call, said: Answer) -> Answer:
    if not (isinstance(said, base.TryAgain) and said.because is base.Because.BIND):
        return said
    meant = binds.refused(call.gateway, said)
    if meant is said and call.gateway not in call.job.gateways:
        call.job.gateways.insert(0, call.gateway)
    return meant
