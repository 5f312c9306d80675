"""What is an e-mail address, by the vectors, in Python; and that nothing that is taken goes anywhere else."""

from __future__ import annotations

import json
import socket
import time

import pytest
from django import forms

from common.email_addresses import parse_email
from common.form_fields import EmailAddressField
from common.persian import InputError
from tests.support.paths import ROOT

VECTORS = json.loads((ROOT / "tests/vectors/email_addresses.json").read_text())


@pytest.mark.parametrize(("typed", "shown", "wire"), VECTORS["taken"])
def test_an_address_has_one_spelling_and_one_on_the_wire(typed, shown, wire):
    found = parse_email(typed)
    assert (found.shown, found.wire) == (shown, wire)
    assert wire.isascii()
    assert parse_email(shown) == parse_email(wire) == found


@pytest.mark.parametrize(("typed", "code"), VECTORS["refused"])
def test_what_is_no_address_or_could_be_anothers_is_refused_by_name(typed, code):
    with pytest.raises(InputError) as refusal:
        parse_email(typed)
    assert refusal.value.code == code


@pytest.mark.parametrize(("typed", "code"), VECTORS["refused"])
def test_the_field_says_what_is_wrong(typed, code):
    class Form(forms.Form):
        email = EmailAddressField()

    form = Form({"email": typed})
    assert not form.is_valid()
    [[error]] = form.errors.as_data().values()
    assert error.code == ("invalid" if code == "email" else code)


@pytest.mark.parametrize(("typed", "shown", "wire"), VECTORS["taken"])
def test_the_field_takes_what_the_queue_takes(typed, shown, wire):
    assert EmailAddressField().clean(typed) == shown


def test_no_name_is_looked_up(monkeypatch):
    def never(*_args, **_options):
        raise AssertionError("a look-up")

    monkeypatch.setattr(socket, "getaddrinfo", never)
    monkeypatch.setattr(socket.socket, "connect", never)
    assert parse_email("reza@no-such-domain-anywhere.example").wire == "reza@no-such-domain-anywhere.example"


def test_a_very_long_text_costs_nothing():
    before = time.process_time()
    for text in ("x" * 1_000_000 + "@example.com", "a@" + "b." * 500_000 + "com", "@" * 1_000_000, "ی" * 1_000_000):
        with pytest.raises(InputError):
            parse_email(text)
    assert time.process_time() - before < 5


@pytest.mark.parametrize("address", ["portal@localhost", "portal@mail.local", "portal@demo.invalid", "p@tamin.example"])
def test_a_sender_may_have_a_name_of_its_own_network(address):
    assert parse_email(address, inside=True).wire == address
