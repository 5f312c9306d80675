"""Subject and sender as header lines: encoded words (RFC 2047) that begin on the header's own line, each with whole
characters, and nothing beside them.

Python's generator would begin a long one on the next line, and mail programs then show a blank before it; and it folds
plain text at its blanks, of which some programs make other ones.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from email.utils import formataddr

_LINE = 76  # characters of a line with encoded words, RFC 2047, section 2
_AROUND = len("=?utf-8?b??=")
_FOLD = "\n "  # becomes CRLF and a blank, which is no part of the text between two encoded words


def subject(text: str) -> str:
    """The value of the header Subject for `text`, a single line."""
    return _encoded(text, first=len("Subject: "))


def sender(name: str, address: str) -> str:
    """The value of the header From: `address` in ASCII, behind `name` if there is one."""
    if not name:
        return address
    phrase = _encoded(name, first=len("From: "))
    if phrase == name:
        return formataddr((name, address))
    last = phrase.rpartition(_FOLD)[2]
    begun = len(last) + (len("From: ") if last == phrase else 1)
    return phrase + (" " if begun + len(f" <{address}>") <= _LINE else _FOLD) + f"<{address}>"


def _encoded(text: str, *, first: int) -> str:
    """`text` as it is where every reader takes it so, else as encoded words. `first`: the length of what stands before
    it on its line."""
    plain = text.isascii() and text.isprintable() and "=?" not in text and text == " ".join(text.split())
    if plain and first + len(text) <= _LINE:
        return text
    return _FOLD.join(f"=?utf-8?b?{base64.b64encode(piece).decode()}?=" for piece in _pieces(text, first))


def _pieces(text: str, first: int) -> Iterator[bytes]:
    """UTF-8 of whole characters, as much as fits into the encoded word of each line."""
    piece, room = b"", (_LINE - first - _AROUND) // 4 * 3
    for character in text:
        more = character.encode()
        if len(piece) + len(more) > room:
            yield piece
            piece, room = b"", (_LINE - 1 - _AROUND) // 4 * 3
        piece += more
    yield piece
