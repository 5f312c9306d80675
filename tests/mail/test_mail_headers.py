"""Subject and sender arrive word for word: read by Python's parser, by the letter of RFC 2047, and never folded into
blanks."""

from __future__ import annotations

import base64
import re
from email import message_from_bytes, policy

import pytest

from mail import delivery, headers
from mail.models import Letter
from tests.support.mail_fixtures import SUBJECT, fresh, queue

STRICT = policy.SMTP.clone(raise_on_defect=True)
TEXTS = [
    SUBJECT,
    "س",
    "گذرواژه " * 25,
    "می‌خواهم‌" * 22,  # ZWNJ
    "بی‌فاصله" * 25,
    "سلام  دو فاصله",
    " آغاز و پایان ",
    "آدرس ایمیل شما تأیید شد: maryam@example.org",
    "plain",
    "plain " * 32 + "text",
    "x" * 200,
    "two  blanks",
    "=?utf-8?q?not_encoded?=",
    "=?",
    "نشانه ۱۲۳ 😀 پایان",
    "😀" * 200,
    "a" * 66,
    "a" * 67,
    "a" * 68,
    "ی" * 20 + "a" * 20,
    "é" * 100,
]


def by_rfc_2047(value: str) -> str:
    """The text of an unstructured header, read by the letter: encoded words of at most 75 characters, each of them
    valid alone, and what stands between two of them is nothing."""
    if "=?" not in value:
        return value
    words = value.split("\r\n ")
    assert all(len(word) <= 75 for word in words)
    pieces = [re.fullmatch(r"=\?utf-8\?b\?([A-Za-z0-9+/]+={0,2})\?=", word)[1] for word in words]
    return "".join(base64.b64decode(piece, validate=True).decode("utf-8") for piece in pieces)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.django_db(transaction=True)
def test_a_subject_arrives_word_for_word(text, office):
    raw: list[bytes] = []

    async def keep(server, envelope):
        raw.append(envelope.original_content)
        return "250 OK"

    office.after_data = keep
    letter = queue(subject=text)
    delivery.drain()
    assert fresh(letter).state == "sent"
    head = raw[0].split(b"\r\n\r\n", 1)[0].decode("ascii")
    value = re.search(r"^Subject: ((?:.*\r\n[ \t])*.*)$", head, re.MULTILINE)[1].rstrip("\r")
    assert not value.startswith(("\r", "\n", " ", "\t"))
    assert by_rfc_2047(value) == text
    assert all(len(line) <= 76 for line in f"Subject: {value}".split("\r\n"))
    assert str(message_from_bytes(raw[0], policy=STRICT)["Subject"]) == text


@pytest.mark.parametrize(
    "name", ["", "Portal", 'Portal "of" Tamin, Inc.', "سامانه ثبت نام", "سامانه‌ی ثبت نام " * 8, "a" * 90]
)
def test_a_sender_arrives_word_for_word(name):
    value = headers.sender(name, "portal@tamin.example").replace("\n", "\r\n")
    assert all(len(line) <= 76 for line in f"From: {value}".split("\r\n"))
    phrase = re.sub(r"\s*<?portal@tamin\.example>?$", "", value)
    read = message_from_bytes(f"From: {value}\r\n\r\n".encode("ascii"), policy=STRICT)
    [address] = read["From"].addresses
    assert address.addr_spec == "portal@tamin.example"
    if phrase.startswith("=?"):  # Python's parser puts blanks between the encoded words of a name
        assert by_rfc_2047(phrase) == name
    if phrase.count("=?") < 2:
        assert address.display_name == name


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("sender", ["سامانه ثبت نام تأمین <portal@ایران.ایران>", "portal@tamin.example"])
def test_the_sender_of_the_settings_is_sent_in_ascii(sender, office, settings):
    settings.MAIL_FROM = sender
    letter = queue()
    delivery.drain()
    assert fresh(letter).state == "sent"
    [message], [envelope] = office.arrived, office.senders
    [address] = message["From"].addresses
    assert envelope == address.addr_spec
    assert envelope.isascii()
    assert address.display_name == (sender.partition(" <")[0] if "<" in sender else "")
    assert Letter.objects.get().message_id.endswith(f"@{envelope.partition('@')[2]}>")
