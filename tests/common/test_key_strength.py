"""Keys that a person made up are told from those that a generator made, which are never refused."""

from __future__ import annotations

import base64
import random
import secrets
import string
import uuid

import pytest
from django.core.management.utils import get_random_secret_key
from hypothesis import given
from hypothesis import strategies as st

from tamin_portal.key_strength import LEAST_BITS, estimated_bits, looks_random

MADE_UP = [
    "s" * 67,
    "abc" * 20,
    "changeme" * 8,
    "0123456789" * 6,
    "9876543210" * 6,
    string.ascii_lowercase + string.digits + string.ascii_lowercase,
    string.ascii_lowercase + string.ascii_uppercase,
    "".join(a + b for a, b in zip(string.ascii_lowercase, string.ascii_uppercase, strict=True)),
    "qwertyuiopasdfghjklzxcvbnm" * 3,
    "1q2w3e4r5t6y7u8i9o0p" * 3,
    "P@ssw0rd!" * 6,
    "supersecretkey" * 4,
    "this-is-the-secret-key-of-the-portal-of-the-social-security-organisation",
    "correct horse battery staple correct horse battery staple 123",
    "ThisIsMyVerySecretKeyThatNobodyWillEverGuessBecauseItIsLong",
    "salam-khoobi-chetori-man-khoobam-shoma-chetorid-koja-hastid",
    "ramz-e-makhfi-samane-sabtenam-tamin-ejtemaei-tehran-iran-1403",
    "insecure-development-key-do-not-use-in-real-life-0001",
    "09121234567-0912-1234567-09121234567-0070001014-tehran",
    "",
]
LOWER = string.ascii_lowercase
GENERATORS = {
    "secrets.token_urlsafe(50)": lambda chance: base64.urlsafe_b64encode(chance.randbytes(50)).rstrip(b"=").decode(),
    "get_random_secret_key()": lambda chance: "".join(
        chance.choice("abcdefghijklmnopqrstuvwxyz0123456789!@#$%^&*(-_=+)") for _ in range(50)
    ),
    "secrets.token_hex(32)": lambda chance: chance.randbytes(32).hex(),
    "openssl rand -base64 48": lambda chance: base64.b64encode(chance.randbytes(48)).decode(),
    "two UUIDs": lambda chance: "".join(str(uuid.UUID(bytes=chance.randbytes(16), version=4)) for _ in range(2)),
    "base 32": lambda chance: base64.b32encode(chance.randbytes(35)).decode(),
    "pwgen of small letters": lambda chance: "".join(chance.choice(LOWER) for _ in range(50)),
}


@pytest.mark.parametrize("key", MADE_UP)
def test_a_key_that_a_person_made_up_is_refused(key):
    assert not looks_random(key)


@pytest.mark.parametrize("name", GENERATORS)
@given(seed=st.integers(min_value=0))
def test_a_key_of_a_generator_is_never_refused(name, seed):
    assert looks_random(GENERATORS[name](random.Random(seed)))


def test_the_generators_that_the_documents_name_are_far_from_the_mark():
    for _ in range(300):
        for key in (secrets.token_urlsafe(50), get_random_secret_key()):
            assert looks_random(key)
            assert estimated_bits(key) > 1.8 * LEAST_BITS
