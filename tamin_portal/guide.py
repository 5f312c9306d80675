"""The pictures of the registration guide: made by tools/screenshots.py, described here."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.templatetags.static import static
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.sentences import digits

SIZES = Path(__file__).with_name("guide_pictures.json")
ALTS: dict[str, Any] = {
    "sign-in": gettext_lazy("The sign-in page: national ID and password, and below them the way to the registration."),
    "step-one": gettext_lazy("Step one, filled in: national ID, operator and mobile phone."),
    "step-two": gettext_lazy("Step two, filled in: the code of the SMS."),
    "step-three-empty": gettext_lazy("Step three, before it is filled in."),
    "done": gettext_lazy("The system message after the registration, with the tracking code."),
    "duplicate": gettext_lazy("Step two with the message that there is a request with this national ID."),
    "wrong-code": gettext_lazy("Step two with the message that the code is not valid."),
    "profile": gettext_lazy("The profile, with a way to change each thing."),
}


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: its file below static/, its size in CSS pixels, and what it shows, in words."""

    file: str
    width: int
    height: int
    alt: str

    @property
    def address(self) -> str:
        return static(self.file)


def pictures() -> dict[str, Picture]:
    """All pictures by name."""
    taken = json.loads(SIZES.read_text(encoding="utf-8"))
    return {
        each["name"]: Picture(f"guide/{each['name']}.png", each["width"], each["height"], _alt(each["name"]))
        for each in taken
    }


def _alt(name: str) -> str:
    part = re.fullmatch(r"step-three-(\d+)", name)
    if part:
        return _("Step three, picture %(part)s, filled in.") % {"part": digits(part[1])}
    return str(ALTS[name])
