"""What a mail server's answer means: a table by the stage of the conversation, the code and the enhanced code.

Codes: RFC 5321; enhanced codes: RFC 3463, and 5.7.26 and its like: RFC 7372. The words beside a code are read only
where the codes leave open whom a refusal is about, and are never kept, because they repeat addresses. Postfix refuses
by default at RCPT TO even what it has against us (`smtpd_delay_reject`), so the stage alone does not tell.
"""

from __future__ import annotations

import re
from enum import Enum, auto


class Stage(Enum):
    """How far a conversation got. An error belongs to the stage in which it came."""

    CONNECT = auto()  # the connection, TLS from the first byte, the greeting
    HELLO = auto()  # EHLO, STARTTLS
    SIGN_IN = auto()  # AUTH
    SENDER = auto()  # MAIL FROM
    RECIPIENT = auto()  # RCPT TO
    DATA = auto()  # DATA, and the text up to its final dot
    TEXT = auto()  # after the final dot


class Result(Enum):
    """What one try to send a letter came to."""

    SENT = auto()
    REFUSED = auto()  # for good, because of the recipient or the letter
    LATER = auto()  # not now, because of the recipient or the letter
    POLICY = auto()  # refused by a rule; whether against this letter or against all of ours is not said
    TURNED_AWAY = auto()  # refused because of us: no relay, no sign-in, our name or address
    BUSY = auto()  # the server takes nothing for now
    DROPPED = auto()  # the connection ended before the final dot: the server has not taken the letter
    DOUBT = auto()  # the connection ended after the final dot: the server may have the letter
    UNREACHABLE = auto()  # no connection, or no letter of ours is taken


class About(Enum):
    """Whom the server's words name."""

    NOBODY = auto()
    US = auto()
    THEM = auto()


# What somebody is called tells nothing, and what the recipient's own server said is not about this server and us.
_OF_OTHERS = re.compile(r"<[^<>]*>|\bsaid: .*", re.DOTALL | re.IGNORECASE)
# Rules that are about whoever sends, also where Postfix puts the recipient's name before them.
_US_FIRST = re.compile(
    r"policy rejection|\bspf (fail|check|record)|sending limit|(e-?mails?|messages|sent) per (hour|day|minute)"
    r"|has exceeded (the |its )?(max|threshold|limit)|daily (user )?(sending|message)|tenant has|rcpthosts|auth first",
    re.IGNORECASE,
)
_RECIPIENT_FIRST = re.compile(r"gr[ae]y-?list|recipient address rejected", re.IGNORECASE)
_US = re.compile(
    r"administrative prohibition|outbound sender"
    r"|\brelay|client host|helo command|sender address|sender verif|not owned by|authentication (is )?required"
    r"|(must|please) authenticate|sign in first|blocked using|ip address|blacklist|blocklist|reputation",
    re.IGNORECASE,
)
_THEM = re.compile(r"recipient|mailbox|no such user|user unknown|unknown user|gr[ae]y-?list", re.IGNORECASE)

_BEFORE = (Stage.CONNECT, Stage.HELLO, Stage.SIGN_IN)
_LETTER = (Stage.RECIPIENT, Stage.DATA, Stage.TEXT)
_ANYBODY = (About.NOBODY, About.US, About.THEM)
_NOT_US = (About.NOBODY, About.THEM)

# Stages, the answer ("code enhanced-code", empty if there was none), whom its words name → the result. The first row
# that fits decides.
TABLE: tuple[tuple[tuple[Stage, ...], str, tuple[About, ...], Result], ...] = (
    # No answer: the connection was refused, lost or too slow.
    (_BEFORE, r"", _ANYBODY, Result.UNREACHABLE),
    ((Stage.TEXT,), r"", _ANYBODY, Result.DOUBT),
    ((Stage.SENDER, Stage.RECIPIENT, Stage.DATA), r"", _ANYBODY, Result.DROPPED),
    # Before any letter: 421 4.7.0 too many connections, 454 4.7.0 passwords cannot be checked now; 554, 535 5.7.8.
    (_BEFORE, r"4.*", _ANYBODY, Result.BUSY),
    (_BEFORE, r".*", _ANYBODY, Result.UNREACHABLE),
    # 421: the server ends the connection, whatever we had asked.
    ((Stage.SENDER, *_LETTER), r"421.*", _ANYBODY, Result.DROPPED),
    # MAIL FROM is the same for all letters: 452 4.3.1 no room; 553 5.7.1 not your address, 530 5.7.0 sign in first.
    ((Stage.SENDER,), r"4.*", _ANYBODY, Result.BUSY),
    ((Stage.SENDER,), r".*", _ANYBODY, Result.UNREACHABLE),
    # From RCPT TO on. Sign-in is wanted; our name, host or address is refused; no relay.
    (_LETTER, r"53[0458].*", _ANYBODY, Result.TURNED_AWAY),
    (_LETTER, r"[45].*", (About.US,), Result.TURNED_AWAY),
    (_LETTER, r"5\d\d 5\.1\.[78]", _ANYBODY, Result.TURNED_AWAY),  # the sender's address
    # 450 4.7.1 and 451 4.7.1 greylisting, 452 4.2.2 a full mailbox, 452 4.3.1.
    (_LETTER, r"4.*", _NOT_US, Result.LATER),
    # 554 5.7.1 "Recipient address rejected".
    ((Stage.RECIPIENT,), r"5.*", (About.THEM,), Result.REFUSED),
    # 554 5.7.1, 550 5.7.26 and no word of whom it is about; 503 5.5.1 and the like: we spoke, or they heard, wrongly.
    (_LETTER, r"5\d\d 5\.7\..*", _NOT_US, Result.POLICY),
    ((Stage.RECIPIENT, Stage.DATA), r"5\d\d 5\.5\..*", _NOT_US, Result.POLICY),
    # 5xx without an enhanced code says whom it is about in words, or not at all.
    (_LETTER, r"5\d\d", (About.NOBODY,), Result.POLICY),
    # 550 5.1.1 nobody of that name, 552 5.2.2 or 5.3.4 too big, 554 5.6.0.
    (_LETTER, r"5.*", _NOT_US, Result.REFUSED),
    # No answer of SMTP at all: an error of ours, or a server that speaks something else.
    (tuple(Stage), r".*", _ANYBODY, Result.LATER),
)


def judge(stage: Stage, code: int, enhanced: str = "", words: str = "") -> Result:
    """What the answer `code` (0: there was none) with `enhanced` ("5.7.1", or empty) and `words` means at `stage`."""
    answer = f"{code} {enhanced}".strip() if code else ""
    about = _about(words)
    return next(
        result
        for stages, pattern, whom, result in TABLE
        if stage in stages and about in whom and re.fullmatch(pattern, answer)
    )


def _about(words: str) -> About:
    """Greylisting is about the recipient, also where its words begin with our host; so is what Postfix says of a
    recipient, whatever reason it adds."""
    bare = _OF_OTHERS.sub("", words)
    if _US_FIRST.search(bare):
        return About.US
    if _RECIPIENT_FIRST.search(bare):
        return About.THEM
    if _US.search(bare):
        return About.US
    return About.THEM if _THEM.search(bare) else About.NOBODY
