"""`PortalError`, by which a service refuses: a code, and the values for its sentence."""

from __future__ import annotations


class PortalError(Exception):
    """A service refused. `code` chooses the sentence (a texts module), `values` fill it.

    Never holds a secret: values are waits, counts and states, not what a person typed.
    """

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code)
        self.code = code
        self.values = values
