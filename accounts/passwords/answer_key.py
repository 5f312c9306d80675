"""The key of a security answer: what is hashed, so that spelling, blanks and case do not count. Version 1.

The hashes that are stored were made of this key, and nobody can make them anew without the answer: one letter folded
otherwise locks people out of their recovery. So nothing of `common.persian` is used, whose keys may learn new
spellings. Never change this function. Another key is another function beside it: new hashes are made by the new one
and marked, and a stored hash is compared by the one that made it.
"""

from __future__ import annotations

import unicodedata

_DIGITS = str.maketrans("۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩", "01234567890123456789")
_LETTERS = str.maketrans({"ي": "ی", "ى": "ی", "ۍ": "ی", "ې": "ی", "ك": "ک", "ڪ": "ک", "ګ": "گ"})
_SEATS = str.maketrans(
    {"ئ": "ی", "ؤ": "و", "آ": "ا", "أ": "ا", "إ": "ا", "ٱ": "ا", "ة": "ه", "ۀ": "ه", "ۂ": "ه", "ە": "ه", "ھ": "ه"}
)


def answer_key(answer: str) -> str:
    """The letters and digits of `answer` in one spelling; empty if it has none."""
    text = unicodedata.normalize("NFKC", answer).translate(_DIGITS).translate(_LETTERS).translate(_SEATS)
    text = unicodedata.normalize("NFD", text).translate(_LETTERS)
    return "".join(c for c in text.casefold() if c not in "ـء" and unicodedata.category(c)[0] in "LN")
