"""The part of a page that says that the code is held: in a recovery, and at a sign-in by code. Alike for every ID."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.codes import held_turns, proofs
from accounts.models import Challenge
from common.abuse import turns


def context(request: HttpRequest, challenge: Challenge) -> dict[str, Any]:
    """What the page shows of `challenge`: what the browser has to solve, and when its turn is without that."""
    turn = held_turns.wait(challenge) if challenge.is_held else 0
    return {
        "challenge": challenge,
        "proof": proofs.for_challenge(challenge=challenge),
        "turn": turns.renews(turn) if challenge.is_held else 0,
        "turn_in": turn,
    }


def pay(request: HttpRequest, challenge: Challenge) -> HttpResponse:
    """The browser sent its solution: the code goes on, if it was held. Answered by that part of the page."""
    proofs.pay_challenge(challenge=challenge, solution=request.POST.get("proof", ""))
    challenge.refresh_from_db()
    turn = held_turns.wait(challenge) if challenge.is_held else 0
    return render(request, "accounts/_held.html", {"challenge": challenge, "turn_in": turn})
