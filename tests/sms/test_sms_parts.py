"""A text is counted and split as if character by character, which is how phones and gateways do it."""

from __future__ import annotations

import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sms import parts

LATIN = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
ESCAPED = {"^": 0x14, "{": 0x28, "}": 0x29, "\\": 0x2F, "[": 0x3C, "~": 0x3D, "]": 0x3E, "|": 0x40, "€": 0x65}
SOME = st.sampled_from([*"aZ9 @[€~\n\r", "\x1b", "س", "ی", "\u200c", "😀", "\ud83d", "\ude00", "`"])
# Long texts in which one character is rare are where a part ends in the middle of something.
LONG = st.builds(
    lambda few, many, count, seed: "".join(random.Random(seed).choices([few, many], [1, 30], k=count)),
    SOME, SOME, st.sampled_from([66, 67, 68, 69, 70, 71, 134, 135, 152, 153, 154, 159, 160, 161, 306, 307, 900]),
    st.integers(),
)  # fmt: skip


def slowly_encoded(text: str) -> bytes | None:
    """The septets of `text`, one after the other; None: it has a character that is not Latin."""
    septets = bytearray()
    for character in text:
        if character in ESCAPED:
            septets += bytes([0x1B, ESCAPED[character]])
        elif character != "\x1b" and character in LATIN:
            septets.append(LATIN.index(character))
        else:
            return None
    return bytes(septets)


def slowly_split(text: str) -> list[str]:
    """The parts of `text`: characters are added to a part until one does not fit."""
    latin = slowly_encoded(text) is not None
    weights = [2 if (each in ESCAPED if latin else ord(each) > 0xFFFF) else 1 for each in text]
    if sum(weights) <= (160 if latin else 70):
        return [text] if text else []
    split, room = [], 0
    for character, weight in zip(text, weights, strict=True):
        if weight > room:
            split.append("")
            room = 153 if latin else 67
        split[-1] += character
        room -= weight
    return split


@given(st.one_of(st.text(SOME, max_size=30), st.text(max_size=200), LONG))
@example("")
@example("a" * 160)
@example("a" * 152 + "€" + "a" * 9)
@example("س" * 66 + "😀" + "س" * 5)
def test_a_text_is_split_as_character_by_character(text):
    assert parts.split(text) == slowly_split(text)
    assert parts.count(text) == len(slowly_split(text))
    assert parts.is_latin(text) == (slowly_encoded(text) is not None)
    if parts.is_latin(text):
        assert parts.encode_latin(text) == slowly_encoded(text)


@pytest.mark.parametrize("character", [*LATIN, *ESCAPED])
def test_every_latin_character_has_its_code(character):
    if character != "\x1b":
        assert parts.encode_latin(character) == slowly_encoded(character)
