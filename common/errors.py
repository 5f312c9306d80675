"""The one kind of refusal a service raises: a code, and the values its sentence needs."""

from __future__ import annotations


class PortalError(Exception):
    """A service said no. `code` picks the sentence (a texts module), `values` fill it.

    Never holds a secret: values are waits, counts and states, not what a person typed.
    """

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code)
        self.code = code
        self.values = values
