"""The adapters of SMS gateways: `base` is the contract, every other module is one gateway or a part of one."""

from __future__ import annotations

from sms.gateways.base import Gateway
from sms.gateways.http import HttpGateway
from sms.gateways.inbox import InboxGateway
from sms.gateways.kavenegar import KavenegarGateway
from sms.gateways.smpp import SmppGateway

_ALL: tuple[type[Gateway], ...] = (InboxGateway, KavenegarGateway, HttpGateway, SmppGateway)
# The adapters by the names that settings use for them.
KINDS: dict[str, type[Gateway]] = {kind.KIND: kind for kind in _ALL}
