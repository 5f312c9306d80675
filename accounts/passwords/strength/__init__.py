"""How easily a password is guessed: beside the guide's rules, which `accounts.passwords.rules` holds.

`weakness(password, about)` is the one question; what is known of Iranian passwords are the word lists in `data/`.
"""

from accounts.passwords.strength.about import About
from accounts.passwords.strength.estimate import SIGNS, Weakness, guesses, weakness

__all__ = ["SIGNS", "About", "Weakness", "guesses", "weakness"]
