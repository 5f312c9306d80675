"""What is said of a sign-out that a service asked for, and that is not in order."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy

from common.sentences import Sentences

_NOT_BACK = gettext_lazy(
    "The service you came from sent you here with a mistake, or the link is not its own. So you are not led back there."
)

SENTENCES: dict[str, Any] = {
    "no_proof": _NOT_BACK,
    "address": _NOT_BACK,
    "state": _NOT_BACK,
    "twice": _NOT_BACK,
    "over": gettext_lazy("This page has been open for too long, so you are not led back to the service."),
}
sentence = Sentences(SENTENCES)

# For the service's developer, in the protocol's own language.
DETAILS = {
    "no_proof": "id_token_hint: needed with post_logout_redirect_uri; ours, for an active client, the one of client_id",
    "address": "post_logout_redirect_uri: not registered, character by character",
    "state": "state: too long, or holds characters that cannot be kept",
    "twice": "a parameter is given more than once",
}
