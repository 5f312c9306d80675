"""Only the fragment of a page that says that its code is held; the pages are those of recovery and sign-in by code.

The fragment is the same for every national ID.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.codes import held_turns, proof_of_work
from accounts.models import Challenge
from common.abuse import turns


def context(request: HttpRequest, challenge: Challenge) -> dict[str, Any]:
    """What the page shows of `challenge`: the proof of work for the browser, and when its turn comes without one."""
    turn = held_turns.wait(challenge) if challenge.is_held else 0
    return {
        "challenge": challenge,
        "proof": proof_of_work.for_challenge(challenge=challenge),
        "turn": turns.renews(turn) if challenge.is_held else 0,
        "turn_in": turn,
    }


def pay(request: HttpRequest, challenge: Challenge) -> HttpResponse:
    """Take the browser's solution: a held code is then sent. Answers with that part of the page."""
    proof_of_work.pay_challenge(challenge=challenge, solution=request.POST.get("proof", ""))
    challenge.refresh_from_db()
    turn = held_turns.wait(challenge) if challenge.is_held else 0
    return render(request, "accounts/_held.html", {"challenge": challenge, "turn_in": turn})
