"""Gateways that are bound to an SMSC of the tests, and messages for it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from sms.gateways.base import Sms
from sms.gateways.smpp import SmppGateway
from tests.support.sms_stubs.smpp import SmppPeer

LONG = "ثبت نام شما انجام شد و حساب کاربری شما ایجاد گردید. " * 5  # 260 characters


def an_sms(text: str = "کد شناسه: 482913") -> Sms:
    return Sms(key=uuid.uuid4(), to="+989121234567", text=text, kind="result")


@contextmanager
def bound(peer: SmppPeer | int, **options: str) -> Iterator[SmppGateway]:
    port = peer if isinstance(peer, int) else peer.port
    given = {"HOST": "127.0.0.1", "PORT": str(port), "SYSTEM_ID": "u", "PASSWORD": "pw", "SENDER": "1000", **options}
    gateway = SmppGateway(name="op", options=given)
    try:
        yield gateway
    finally:
        gateway.close()
