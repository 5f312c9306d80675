"""Gateways over real sockets that log every submission by key and misbehave as they are told.

In a test: `with stub("kavenegar", behaviour="drop") as gateway: … gateway.url … gateway.log`. As a
process of its own: `python -m tests.support.sms_stubs --kind http --port 9701 --behaviour ok=0.9,drop=0.1`.
Each submission is a dict: at, key, to, text, behaviour, taken (a phone holds it), repeat (a key
that was taken before), id, open (connections at that moment).
"""

from tests.support.sms_stubs.behaviours import BEHAVIOURS, Receipts
from tests.support.sms_stubs.server import Stub, stub

__all__ = ["BEHAVIOURS", "Receipts", "Stub", "stub"]
