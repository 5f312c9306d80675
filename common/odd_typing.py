"""What is odd about a secret that has to be typed exactly: signs that nobody sees, or of another keyboard. Pure.

A password is compared as it was typed and never folded, so a sign that the person does not see, or did not mean, makes
the right one wrong, and the same again next time. The contract, also for the browser's script, is
`tests/vectors/odd_passwords.json`.
"""

from __future__ import annotations

import re
import unicodedata

_BREAKS, _BLANKS = r"\n\r\v\f\x85\u2028\u2029", r" \t\xa0\u1680\u2000-\u200a\u202f\u205f\u3000"
_ARABIC = re.compile("[\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufefe]")
_BY_PLACE = {
    "line_break": re.compile(f"[{_BREAKS}]"),
    "blank_start": re.compile(rf"\A[{_BREAKS}]*[{_BLANKS}]"),
    "blank_end": re.compile(rf"[{_BLANKS}][{_BREAKS}]*\Z"),
}
_AROUND = re.compile(rf"\A[{_BREAKS}{_BLANKS}]+|[{_BREAKS}{_BLANKS}]+\Z")
UNSEEN = (*_BY_PLACE, "invisible")  # who sees only which signs are allowed finds no fault here
ODDITIES = (*UNSEEN, "digits", "letters", "full_width", "foreign")  # in the order in which they are told


def oddities(text: str) -> tuple[str, ...]:
    """What is odd about `text`: codes of `ODDITIES`; empty: it has only signs of an English keyboard, and no blank at
    its ends."""
    found = {code for code, pattern in _BY_PLACE.items() if pattern.search(text)}
    found |= {_oddity(sign) for sign in _AROUND.sub("", text)}
    return tuple(code for code in ODDITIES if code in found)


def _oddity(sign: str) -> str:
    if " " <= sign <= "~":
        return ""
    if _BY_PLACE["line_break"].match(sign):
        return "line_break"
    kind = unicodedata.category(sign)
    if kind in ("Cc", "Cf"):
        return "invisible"
    if not sign.isspace() and unicodedata.normalize("NFKC", sign).isascii():
        return "full_width"
    if kind == "Nd":
        return "digits"
    return "letters" if _ARABIC.match(sign) else "foreign"
