"""Estimates how easily a password is guessed. The guide's rules are in `accounts.passwords.rules`.

`weakness(password, about)` is the question to ask; the word lists in `data/` hold what is known of Iranian passwords.
"""

from accounts.passwords.strength.about import About
from accounts.passwords.strength.estimate import SIGNS, Weakness, guesses, weakness

__all__ = ["SIGNS", "About", "Weakness", "guesses", "weakness"]
