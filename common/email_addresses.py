"""What is an e-mail address: one rule for forms, the profile, the queue, the settings and old rows. No Django import.

Form: RFC 5321 and 5322 without quotes, comments and literals (email-validator). The domain: UTS 46, non-transitional,
with the rules of IDNA 2008, so that «faß.example» is not «fass.example». The part before the @ is ASCII: what has other
letters there (SMTPUTF8) is taken by few servers. No name is looked up. `tests/vectors/email_addresses.json` is the
contract.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from email_validator import EmailNotValidError, validate_email

from common.limits import MAIL_LONGEST_ADDRESS
from common.persian import InputError, fold_digits, without_marks

LONGEST = MAIL_LONGEST_ADDRESS
# What comes along from a text or a mail program. No address begins or ends so, whatever RFC 5322 allows.
_AROUND = "،,;؛:.…!?؟'\"«»“”‘’‹›<>()[]{}|/\\*"
_LABEL = re.compile(r"\A(?:mailto|e-?mail|ایمیل)\s*:", re.IGNORECASE)
_BELOW = ".example"
_JOINERS = {ord("\u200c"): None, ord("\u200d"): None}
# Latin letters that look like ASCII ones: a keyboard of another language, or a trap. U+0307 is the dot that is left
# of a Turkish «İ» in small letters. Besides these, all that Unicode calls small capitals or barred.
_LIKE_ASCII = frozenset("ıȷɑɡɩɪʟʏ\u0307")
_LIKE_ASCII_BY_NAME = re.compile(r"LATIN LETTER SMALL CAPITAL .*|LATIN SMALL LETTER . WITH (DOUBLE )?BAR")
_CYRILLIC_LIKE_ASCII = frozenset("асԁеһіјӏорԛѕԝхуѵ")


@dataclass(frozen=True, slots=True)
class EmailAddress:
    """`shown`: the spelling that people read and that is compared and stored, the domain in its own script. `wire`: the
    same in ASCII (A-labels), as mail servers take it. The part before the @ keeps its capitals."""

    shown: str
    wire: str


def parse_email(text: str, *, inside: bool = False) -> EmailAddress:
    """The address in `text`. Signs nobody sees and blanks around it are dropped, digits folded, as everywhere.

    `inside`: names of one's own network are domains too (`localhost`, `mail.local`); for senders only. Raises
    InputError: required; around (there is an address with something before or after it, which could be part of
    it); letters (other than ASCII before the @); look_alike (a domain in letters of several scripts, or in ones that
    look like ASCII: it would be a stranger's); email (anything else).
    """
    text = _cleaned(text)
    if not text:
        raise InputError("required")
    if len(text) > LONGEST:
        raise InputError("email")
    if text[0] in _AROUND or text[-1] in _AROUND or _LABEL.match(text):
        bare = _LABEL.sub("", text.strip(_AROUND)).strip(f"{_AROUND} ")
        raise InputError("around" if _is_email(bare, inside) else "email")
    try:
        return _parsed(text, inside)
    except EmailNotValidError:
        box, _, domain = text.rpartition("@")
        other = not box.isascii() and _is_email(f"x@{domain}", inside)
        raise InputError("letters" if other else "email") from None


def _cleaned(text: str) -> str:
    """Without invisible signs. Joiners stay where there are letters that they could join: another name with them."""
    text = without_marks(text)
    if text.translate(_JOINERS).isascii():
        text = text.translate(_JOINERS)
    box, at, domain = text.strip().rpartition("@")
    labels = (folded if (folded := fold_digits(label)).isascii() else label for label in domain.split("."))
    return fold_digits(box) + at + ".".join(labels)


def _parsed(text: str, inside: bool) -> EmailAddress:
    """Raises EmailNotValidError, InputError. email-validator refuses names of own networks, and has no way to allow
    them; below another name they are as good as any."""
    below = _BELOW if inside else ""
    found = validate_email(text + below, check_deliverability=False, allow_smtputf8=False)
    labels = str(found.domain).split(".")
    if any(_is_look_alike(label) or (labels[-1].isascii() and _is_cyrillic_look_alike(label)) for label in labels):
        raise InputError("look_alike")
    return EmailAddress(shown=found.normalized.removesuffix(below), wire=str(found.ascii_email).removesuffix(below))


def _is_email(text: str, inside: bool) -> bool:
    try:
        return bool(_parsed(text, inside))
    except (EmailNotValidError, InputError):
        return False


def _is_look_alike(label: str) -> bool:
    if label.isascii():
        return False
    names = (unicodedata.name(letter, "").split(" ")[0] for letter in label if letter.isalpha())
    scripts = {"CJK" if name.split("-")[0] in ("HIRAGANA", "KATAKANA", "HANGUL") else name for name in names}
    return len(scripts) > 1 or any(_is_like_ascii(letter) for letter in label)


def _is_like_ascii(letter: str) -> bool:
    return letter in _LIKE_ASCII or bool(_LIKE_ASCII_BY_NAME.fullmatch(unicodedata.name(letter, "")))


def _is_cyrillic_look_alike(label: str) -> bool:
    """A whole label of such letters, under a name in Latin: аррӏе.com."""
    letters = {letter for letter in label if letter.isalpha()}
    return bool(letters) and letters <= _CYRILLIC_LIKE_ASCII
