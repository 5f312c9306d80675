"""The table of answers: stage, code, enhanced code and words → what becomes of the letter."""

from __future__ import annotations

import pytest

from mail.verdicts import Result, Stage, judge

ANSWERS = [
    # no answer
    (Stage.CONNECT, 0, "", "", Result.UNREACHABLE),
    (Stage.HELLO, 0, "", "", Result.UNREACHABLE),
    (Stage.SIGN_IN, 0, "", "", Result.UNREACHABLE),
    (Stage.SENDER, 0, "", "", Result.DROPPED),
    (Stage.RECIPIENT, 0, "", "", Result.DROPPED),
    (Stage.DATA, 0, "", "", Result.DROPPED),
    (Stage.TEXT, 0, "", "", Result.DOUBT),
    # before any letter
    (Stage.CONNECT, 421, "4.7.0", "Error: too many connections", Result.BUSY),
    (Stage.CONNECT, 554, "", "No SMTP service here", Result.UNREACHABLE),
    (Stage.HELLO, 550, "5.7.1", "Helo command rejected", Result.UNREACHABLE),
    (Stage.SIGN_IN, 535, "5.7.8", "authentication failed", Result.UNREACHABLE),
    (Stage.SIGN_IN, 454, "4.7.0", "Temporary authentication failure", Result.BUSY),
    # our sender address
    (Stage.SENDER, 553, "5.7.1", "Sender address rejected: not owned by user", Result.UNREACHABLE),
    (Stage.SENDER, 530, "5.7.0", "Authentication required", Result.UNREACHABLE),
    (Stage.SENDER, 452, "4.3.1", "Insufficient system storage", Result.BUSY),
    (Stage.SENDER, 421, "4.3.2", "shutting down", Result.DROPPED),
    # certainly this recipient
    (Stage.RECIPIENT, 550, "5.1.1", "Recipient address rejected: User unknown", Result.REFUSED),
    (Stage.RECIPIENT, 554, "5.7.1", "<a@b.example>: Recipient address rejected: Access denied", Result.REFUSED),
    (Stage.RECIPIENT, 554, "5.7.1", "<relay@b.example>: Recipient address rejected: no", Result.REFUSED),
    (Stage.RECIPIENT, 552, "5.2.2", "mailbox full", Result.REFUSED),
    (Stage.RECIPIENT, 504, "5.5.2", "<a@b>: Recipient address rejected: need fully-qualified address", Result.REFUSED),
    (Stage.RECIPIENT, 550, "", "No such user here", Result.REFUSED),
    (Stage.TEXT, 554, "5.6.0", "not like that", Result.REFUSED),
    (Stage.TEXT, 552, "5.3.4", "message too big", Result.REFUSED),
    (
        Stage.RECIPIENT, 550, "5.1.1", "<a@b.example>: Recipient address rejected: undeliverable address: host "
        "mx.b.example[192.0.2.1] said: 550 your IP address is blocked using bl.example", Result.REFUSED,
    ),
    # a rule, and no word of whom it is about
    (Stage.RECIPIENT, 554, "5.7.1", "<a@b.example>: Access denied", Result.POLICY),
    (Stage.RECIPIENT, 550, "5.7.26", "unauthenticated e-mail is not accepted", Result.POLICY),
    (Stage.TEXT, 550, "5.7.26", "Unauthenticated email is not accepted by the DMARC policy", Result.POLICY),
    (Stage.TEXT, 554, "5.7.1", "Message content rejected", Result.POLICY),
    (Stage.DATA, 503, "5.5.1", "need RCPT command", Result.POLICY),
    (Stage.RECIPIENT, 553, "", "no", Result.POLICY),
    (Stage.RECIPIENT, 550, "", "Access denied", Result.POLICY),
    # a quota of ours is used up, or our domain's own rules speak against us
    (Stage.RECIPIENT, 550, "", "Domain p.example has exceeded the max emails per hour (150/150 (100%)) allowed",
     Result.TURNED_AWAY),
    (Stage.TEXT, 550, "5.4.5", "Daily user sending limit exceeded.", Result.TURNED_AWAY),
    (Stage.TEXT, 550, "5.7.705", "Access denied, tenant has exceeded threshold", Result.TURNED_AWAY),
    (Stage.TEXT, 550, "5.1.8", "Access denied, bad outbound sender AS(42004)", Result.TURNED_AWAY),
    (Stage.RECIPIENT, 550, "5.7.23", "<a@b.example>: Recipient address rejected: Message rejected due to: SPF fail - "
     "not authorized.", Result.TURNED_AWAY),
    (Stage.RECIPIENT, 554, "5.7.1", "<a@b.example>: Recipient address rejected: Policy Rejection- Quota exceeded.",
     Result.TURNED_AWAY),
    (Stage.RECIPIENT, 550, "", "Administrative prohibition", Result.TURNED_AWAY),
    (Stage.RECIPIENT, 553, "", "sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
     Result.TURNED_AWAY),
    (Stage.RECIPIENT, 503, "", "AUTH first (#5.5.1)", Result.TURNED_AWAY),
    # our account, name or host, which Postfix says at RCPT TO
    (Stage.RECIPIENT, 554, "5.7.1", "<a@b.example>: Relay access denied", Result.TURNED_AWAY),
    (Stage.RECIPIENT, 454, "4.7.1", "<a@b.example>: Relay access denied", Result.TURNED_AWAY),
    (Stage.RECIPIENT, 550, "5.7.54", "SMTP; Unable to relay recipient in non-accepted domain", Result.TURNED_AWAY),
    (Stage.RECIPIENT, 530, "5.7.0", "Must issue a STARTTLS command first", Result.TURNED_AWAY),
    (Stage.RECIPIENT, 504, "5.5.2", "<web1>: Helo command rejected: need fully-qualified hostname", Result.TURNED_AWAY),
    (Stage.RECIPIENT, 450, "4.7.25", "Client host rejected: cannot find your hostname", Result.TURNED_AWAY),
    (Stage.RECIPIENT, 554, "5.7.1", "Client host [192.0.2.1] blocked using bl.example", Result.TURNED_AWAY),
    (Stage.RECIPIENT, 553, "5.7.1", "<p@q.example>: Sender address rejected: not owned by user", Result.TURNED_AWAY),
    # not now
    (Stage.RECIPIENT, 450, "4.7.1", "try again", Result.LATER),
    (Stage.RECIPIENT, 451, "4.7.1", "<a@b.example>: Recipient address rejected: Greylisted", Result.LATER),
    (Stage.RECIPIENT, 450, "4.7.1", "Client host rejected: Greylisting in action", Result.LATER),
    (
        Stage.RECIPIENT, 450, "4.1.1", "<a@b.example>: Recipient address rejected: unverified address: host "
        "mx.b.example said: 550 bad reputation", Result.LATER,
    ),
    (Stage.RECIPIENT, 450, "4.7.1", "host mx.b.example said: 550 sign in first", Result.LATER),
    (Stage.RECIPIENT, 452, "4.2.2", "mailbox full", Result.LATER),
    (Stage.RECIPIENT, 452, "4.3.1", "no room", Result.LATER),
    (Stage.TEXT, 451, "4.3.0", "queue file write error", Result.LATER),
    (Stage.TEXT, 421, "4.3.0", "closing", Result.DROPPED),
    (Stage.RECIPIENT, 421, "4.7.0", "Error: too many errors", Result.DROPPED),
    # what no server says
    (Stage.RECIPIENT, 299, "", "", Result.LATER),
]  # fmt: skip


@pytest.mark.parametrize(("stage", "code", "enhanced", "words", "wanted"), ANSWERS)
def test_each_answer_has_its_result(stage, code, enhanced, words, wanted):
    assert judge(stage, code, enhanced, words) is wanted


@pytest.mark.parametrize("stage", Stage)
def test_every_answer_has_a_result(stage):
    for code in (0, 1, *range(200, 600)):
        for enhanced in ("", "5.7.1", "4.7.1"):
            assert isinstance(judge(stage, code, enhanced, "words"), Result)
