"""Tells one service of one sign-out: makes the logout token and posts it (OpenID Connect Back-Channel Logout 1.0).

Uses no database, and never raises. What the service answers is read as far as its status; its words are neither kept
nor logged.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from common import http_client, limits
from common.links import absolute
from openid import keys, outgoing
from openid.models import LogoutNotice

EVENT = "http://schemas.openid.net/event/backchannel-logout"
TOKEN_TYPE = "logout+jwt"  # noqa: S105 - what it is, not one
TOKEN_LIFE = 120  # seconds; the specification wants at most two minutes
DONE = (200, 204)
CANNOT = 400  # the service has understood, and says that it could not sign out (2.8)


class Result(Enum):
    TOLD = auto()
    REFUSED = auto()
    NO_ANSWER = auto()  # or one that is none


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of a call; `word` says why it came to nothing."""

    result: Result
    word: str = ""


def tell(notice: LogoutNotice) -> Heard:
    """Tell the service of `notice`, which has been loaded with it. Redirects are not followed: a token goes nowhere but
    to the address that was registered."""
    service = notice.service
    try:
        answer = outgoing.call(
            service.backchannel_logout_uri,
            form={"logout_token": keys.sign(claims_of(notice), service.id_token_algorithm, TOKEN_TYPE)},
            connect_within=limits.LOGOUT_CONNECT_WITHIN,
            answer_within=limits.LOGOUT_ANSWER_WITHIN,
        )
    except (http_client.NotSent, http_client.NoAnswer) as error:
        return Heard(Result.NO_ANSWER, str(error))
    except Exception as error:  # such as a key that cannot be read: others go on
        return Heard(Result.NO_ANSWER, type(error).__name__)
    if answer.status in DONE:
        return Heard(Result.TOLD)
    return Heard(Result.REFUSED if answer.status == CANNOT else Result.NO_ANSWER, f"http {answer.status}")


def claims_of(notice: LogoutNotice) -> dict[str, Any]:
    """The claims of a logout token (2.4). Each try has a `jti` of its own: a service that remembers those it has seen
    would take the repetition of one that it could not work on for a replay."""
    now = int(time.time())
    return {
        "iss": absolute(""),
        "aud": notice.service.client_id,
        **({"sub": notice.subject} if notice.subject else {}),
        "sid": notice.sid,
        "iat": now,
        "exp": now + TOKEN_LIFE,
        "jti": secrets.token_hex(16),
        "events": {EVENT: {}},
    }
