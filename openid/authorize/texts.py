"""What the pages between a service and its answer say."""

from __future__ import annotations

from typing import Any

from authlib.oauth2 import OAuth2Error
from django.utils.translation import gettext_lazy, pgettext_lazy

_ERRORS: dict[str, Any] = {
    "unauthorized_client": gettext_lazy(
        "This service is closed at the moment, so nobody can sign in to it here. Please try again later."
    ),
    "invalid_client": gettext_lazy(
        "The service you came from is not known here. Nothing was told to it. Be careful with the page that sent you."
    ),
}
_OTHER = gettext_lazy(
    "The service you came from sent you here with a mistake. It is not your fault, and nothing was told to the service."
)

PARTS: dict[str, Any] = {
    "profile": gettext_lazy("Your name, birth date and gender"),
    "phone": gettext_lazy("Your mobile number"),
    "email": gettext_lazy("Your e-mail address"),
    "national_id": gettext_lazy("Your national ID"),
    "insured_since": gettext_lazy("Since when you are insured"),
}
CLAIMS: dict[str, Any] = {
    "name": gettext_lazy("First and last name"),
    "given_name": gettext_lazy("First name"),
    "family_name": gettext_lazy("Last name"),
    "birthdate": gettext_lazy("Birth date"),
    "gender": gettext_lazy("Gender"),
    "phone_number": gettext_lazy("Mobile phone"),
    "email": gettext_lazy("E-mail"),
    "national_id": gettext_lazy("National ID"),
    "insured_since": pgettext_lazy("a person", "Insured since"),
}
PROOFS: dict[str, Any] = {
    "registry": gettext_lazy("It is also told that we matched this with the civil registry, on %(date)s."),
    "papers": gettext_lazy("It is also told that a branch saw this in your papers, on %(date)s."),
}


def sentence_of(error: OAuth2Error) -> str:
    """What a citizen is told of an error that a service made."""
    return str(_ERRORS.get(error.error, _OTHER))
