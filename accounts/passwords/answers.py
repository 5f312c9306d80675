"""The stored form of security answers: how they are hashed, compared and recognised.

An answer is one of few words («آبی»), so no slow hash protects it from somebody who has the table: a keyed one does,
whose key is not in the database. Stored is `answer<version of the answer's key>$<mark of the key>$<salt>$<HMAC>`. See
docs/decisions/0060.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from django.conf import settings
from django.contrib.auth.hashers import check_password

from accounts.passwords.answer_key import answer_key
from common import limits
from common.errors import PortalError

_FORM = "answer1"
_SALT, _MARK = 16, 8  # bytes; hex characters


def hash_answer(answer: str) -> str:
    """What is stored of a security answer: spelling, blanks and case do not count. Quick; needs no hashing place.

    Raises PortalError: empty_answer (nothing but signs and blanks), answer_too_long.
    """
    typed = _key_of(answer)
    if not typed:
        raise PortalError("empty_answer")
    key, salt = settings.ANSWER_HASH_KEY, secrets.token_bytes(_SALT)
    return "$".join((_FORM, _mark_of(key), salt.hex(), _digest(key, salt, typed)))


def answer_matches(answer: str, stored: str) -> bool:
    """Whether `answer` is the one that `stored` was made of, under the key in force or one before it, or by Argon2id as
    answers were stored at first. Takes the same time either way; an empty `stored` matches nothing.

    Raises PortalError: answer_too_long, hashing_busy (`seconds`; of Argon2id alone).
    """
    typed = _key_of(answer)
    form, _, rest = stored.partition("$")
    if form != _FORM:
        return check_password(typed, stored)
    mark, salt, digest = rest.split("$")
    key = next((key for key in _keys() if _mark_of(key) == mark), None)
    return key is not None and hmac.compare_digest(_digest(key, bytes.fromhex(salt), typed), digest)


def is_slow(stored: str) -> bool:
    """Whether comparing takes a hashing place."""
    return not stored.startswith(f"{_FORM}$")


def is_current(stored: str) -> bool:
    """Whether it was made by the key in force. Otherwise it is made anew when the answer is given next."""
    return stored.startswith(f"{_FORM}${_mark_of(settings.ANSWER_HASH_KEY)}$")


def _keys() -> tuple[str, ...]:
    return (settings.ANSWER_HASH_KEY, *settings.ANSWER_HASH_KEY_FALLBACKS)


def _key_of(answer: str) -> str:
    if len(answer) > limits.PASSWORD_LONGEST:
        raise PortalError("answer_too_long")
    return answer_key(answer)


def _mark_of(key: str) -> str:
    """Which key it is, without telling the key."""
    return hmac.digest(key.encode(), b"security answer, mark", hashlib.sha256).hex()[:_MARK]


def _digest(key: str, salt: bytes, typed: str) -> str:
    return hmac.digest(key.encode(), b"security answer" + salt + typed.encode(), hashlib.sha256).hex()
