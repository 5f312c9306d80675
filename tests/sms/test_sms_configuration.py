"""Gateways and routes in the settings: what they mean, and every mistake by its name before anything starts."""

from __future__ import annotations

import pytest
from django.core.checks import run_checks

from common.operators import OPERATORS
from sms import configuration
from sms.gateways import KINDS
from sms.gateways.base import Abilities, Accepted, Gateway

TOKEN = "t" * 32
SMSC = {f"SMS_ONE_{name}": "1" for name in ("HOST", "PORT", "SYSTEM_ID", "PASSWORD", "SENDER")}


class Needy(Gateway):
    """A kind that wants a key and may be told more."""

    KIND = "needy"
    REQUIRED = ("KEY",)
    OPTIONAL = {"SENDER": "the line", "CONNECTIONS": "at once", "RECEIPT_URL": "ours"}

    def __init__(self, *, name, options):
        super().__init__(name=name, options=options)
        if options.get("CONNECTIONS", "1") == "none":
            raise ValueError("CONNECTIONS is a whole number")

    def abilities(self, kind):
        return Abilities()

    def send(self, sms):
        return Accepted()


@pytest.fixture
def configure(settings, monkeypatch):
    monkeypatch.setitem(KINDS, "needy", Needy)

    def set_to(gateways="one,two", routes="", budget=0, **environment):
        settings.SMS_GATEWAYS = [name for name in gateways.split(",") if name]
        settings.SMS_ROUTES = routes
        settings.SMS_DAILY_BUDGET = budget
        both = {"SMS_ONE_KIND": "needy", "SMS_ONE_KEY": "k", "SMS_TWO_KIND": "needy", "SMS_TWO_KEY": "k"}
        settings.SMS_ENVIRONMENT = both | environment

    return set_to


def faults() -> list[str]:
    return [found.id for found in run_checks() if found.id.startswith("sms.E")]


def warnings() -> dict[str, str]:
    """What is wrong, and what to do, of that which does not keep the portal from starting."""
    return {found.msg: found.hint for found in run_checks() if found.id == "sms.W001"}


def test_without_routes_every_operator_goes_by_the_gateways_in_order(configure):
    configure()
    assert configuration.route("mci") == configuration.route("") == ((("one", 1),), (("two", 1),))


def test_routes_share_by_weight_and_fall_back_in_order(configure):
    configure("one,two,three", "mci: one=3 + two , three; *: two", SMS_THREE_KIND="needy", SMS_THREE_KEY="k")
    assert configuration.route("mci") == ((("one", 3), ("two", 1)), (("three", 1),))
    assert configuration.route("mtn") == ((("two", 1),),)
    assert configuration.operators() == ("mci",)
    assert faults() == []


def test_a_gateway_gets_its_own_options_and_none_of_the_portals(configure):
    configure(SMS_ONE_SENDER="30001", SMS_ONE_RECEIPT_TOKENS=f"{TOKEN}, {TOKEN}2")
    assert configuration.options("one") == {"KEY": "k", "SENDER": "30001"}
    assert configuration.receipt_tokens("one") == (TOKEN, TOKEN + "2")
    assert configuration.receipt_tokens("two") == configuration.receipt_tokens("nobody") == ()
    assert isinstance(configuration.build("one"), Needy)


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ({"gateways": "one,inbx"}, "sms.E001"),
        ({"SMS_ONE_KIND": "nedy"}, "sms.E001"),
        ({"gateways": "one,a_b"}, "sms.E002"),
        ({"gateways": "one,one"}, "sms.E003"),
        ({"SMS_ONE_KEY": ""}, "sms.E004"),
        ({"SMS_ONE_CONNECTIONS": "none"}, "sms.E004"),
        ({"SMS_ONE_SENDR": "3000"}, "sms.E005"),
        ({"SMS_ONE_RECEIPT_TOKENS": f"{TOKEN},{TOKEN}2,{TOKEN}3"}, "sms.E006"),
        ({"SMS_ONE_RECEIPT_TOKENS": "short"}, "sms.E007"),
        ({"SMS_ONE_RECEIPT_TOKENS": TOKEN + "/"}, "sms.E007"),
        ({"routes": "mci=one"}, "sms.E008"),
        ({"routes": "mci:one=x;*:one"}, "sms.E008"),
        ({"routes": "*:one=1000001+two=1"}, "sms.E008"),
        ({"routes": f"*:one={'9' * 400}+two=1"}, "sms.E008"),
        ({"routes": "*:one,,two"}, "sms.E008"),
        ({"routes": "*:one;*:two"}, "sms.E008"),
        ({"routes": "*:one,tow"}, "sms.E009"),
        ({"routes": "*:one,two+one"}, "sms.E010"),
        ({"routes": "mci:one"}, "sms.E011"),
        ({"budget": -1}, "sms.E012"),
        ({"SMS_ONE_RECEIPT_URL": f"https://x/sms/receipts/one/{TOKEN}/"}, "sms.E013"),
        ({"SMS_ONE_RECEIPT_URL": "https://x/y", "SMS_ONE_RECEIPT_TOKENS": TOKEN}, "sms.E013"),
    ],
)
def test_each_mistake_is_refused_by_name(configure, wrong, fault):
    configure(**wrong)
    assert faults() == [fault]


def test_a_receipt_url_with_a_token_that_is_valid_is_right(configure):
    url = f"https://x/sms/receipts/one/{TOKEN}2/?status=%d"
    configure(SMS_ONE_RECEIPT_URL=url, SMS_ONE_RECEIPT_TOKENS=f"{TOKEN},{TOKEN}2")
    assert faults() == []


def test_a_gateway_that_is_named_twice_has_each_of_its_mistakes_once(configure):
    configure("one,one", SMS_ONE_KEY="")
    assert faults() == ["sms.E004", "sms.E003"]


def test_the_port_of_an_smsc_has_a_largest(configure):
    configure("one", SMS_ONE_KIND="smpp", **SMSC | {"SMS_ONE_PORT": "99999", "SMS_ONE_KEY": ""})
    [wrong, _key] = configuration.faults()
    assert "PORT is a whole number from 1 to 65535" in wrong.what
    configure("one", SMS_ONE_KIND="smpp", **SMSC)
    assert faults() == ["sms.E005"]  # its KEY


def test_a_setting_that_nobody_reads_is_warned_of(configure):
    configure(SMS_DALY_BUDGET="5", SMS_TOW_KEY="geheim", SMS_KAVE_SENDR="3000", SMS_GATEWAYSS="one")
    assert faults() == []
    assert warnings() == {
        "SMS_DALY_BUDGET is read by nobody.": "Did you mean SMS_DAILY_BUDGET?",
        "SMS_TOW_KEY is read by nobody.": "Did you mean SMS_TWO_KEY?",
        "SMS_GATEWAYSS is read by nobody.": "Did you mean SMS_GATEWAYS?",
        "SMS_KAVE_SENDR is read by nobody.": "SMS_GATEWAYS has no 'kave': add it there, or take this out.",
    }


def test_settings_that_are_read_are_not_warned_of(configure):
    configure("one,two", SMS_GATEWAYS="one,two", SMS_ROUTES="*:one", SMS_DAILY_BUDGET="0", SMS_ONE_SENDER="3000")
    assert warnings() == {}


def test_a_misspelt_option_is_told_what_was_meant(configure):
    configure(SMS_ONE_SENDR="3000")
    [found] = configuration.faults()
    assert found.hint == "Did you mean SMS_ONE_SENDER?"


def test_a_route_to_an_operator_that_nobody_can_choose_is_refused(configure):
    configure(routes="mcii:one;mci:two;*:one")
    assert faults() == ["sms.E015"]
    [found] = configuration.faults()
    assert found.what == "SMS_ROUTES names 'mcii', which is no operator."
    assert found.hint.startswith("Did you mean mci? Known are mci, irancell, ")
    assert found.hint.endswith(", and * for all others.")


def test_a_route_for_every_operator_that_step_one_offers_is_right(configure):
    configure(routes=";".join(f"{key}:one" for key in OPERATORS) + ";*:two")
    assert faults() == []


def test_no_fault_ever_shows_a_credential(configure):
    configure("one,two,three", SMS_ONE_KEY="", SMS_ONE_SENDR="geheim", SMS_TWO_RECEIPT_TOKENS="geheim")
    assert "geheim" not in "".join(found.what + found.hint for found in configuration.faults())
