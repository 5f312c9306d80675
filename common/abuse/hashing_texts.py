"""Sentence for a try that got no place to hash in."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy

from common.sentences import Sentences

SENTENCES: dict[str, Any] = {
    "hashing_busy": gettext_lazy(
        "The portal is very busy at this moment, so this was not looked at and counts as no try. What you typed is "
        "kept, except passwords and answers. Please send it again in %(seconds)s seconds."
    ),
}
sentence = Sentences(SENTENCES)
