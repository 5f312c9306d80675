"""The adapters of SMS gateways: `base` is the contract, every other module is one gateway or a part of one."""

from __future__ import annotations

from sms.gateways.base import Gateway
from sms.gateways.gammu import GammuGateway
from sms.gateways.http import HttpGateway
from sms.gateways.inbox import InboxGateway
from sms.gateways.jasmin import JasminGateway
from sms.gateways.kannel import KannelGateway
from sms.gateways.kavenegar import KavenegarGateway
from sms.gateways.magfa import MagfaGateway
from sms.gateways.playsms import PlaySmsGateway
from sms.gateways.smpp import SmppGateway
from sms.gateways.smseagle import SmsEagleGateway
from sms.gateways.smsir import SmsIrGateway

_ALL: tuple[type[Gateway], ...] = (
    InboxGateway,
    KavenegarGateway,
    MagfaGateway,
    SmsIrGateway,
    SmppGateway,
    KannelGateway,
    JasminGateway,
    SmsEagleGateway,
    GammuGateway,
    PlaySmsGateway,
    HttpGateway,
)
# The adapters by the names that settings use for them.
KINDS: dict[str, type[Gateway]] = {kind.KIND: kind for kind in _ALL}
