"""How easily a password is guessed: beside the guide's rules, which `accounts.passwords` holds.

`weakness(password, about)` is the one question; what is known of Iranian passwords are the word lists in `data/`.
"""

from accounts.strength.about import About
from accounts.strength.estimate import SIGNS, Weakness, guesses, weakness

__all__ = ["SIGNS", "About", "Weakness", "guesses", "weakness"]
