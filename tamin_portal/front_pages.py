"""The pages that the front (nginx) answers with by itself: no web is there, or a request does not come as far as one.

tools/front/ has them as printed without HELP_PHONE; tools/front.nginx.conf says which is for what.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class FrontPage:
    """`heading` is also the title; `says`: a paragraph each; `names_branch`: whether branch and phone are named,
    where the way on is not in the person's hand."""

    heading: Any  # translated lazily, as all sentences here
    says: tuple[Any, ...]
    names_branch: bool = False


# The name of the file → the page.
PAGES = {
    "away": FrontPage(
        _("The portal cannot be reached just now"),
        (
            _("The fault is ours, not yours. What you had sent in the steps before is kept."),
            _(
                "Wait a few minutes and open the page again. If you had just sent a form, go back one page and send it "
                "once more."
            ),
        ),
        names_branch=True,
    ),
    "400": FrontPage(
        _("The request could not be understood"),
        (
            _("Something in what your browser sent was not in order, so nothing was done with it."),
            _("Go back to the registration and try again. What was saved in the earlier steps is not lost."),
        ),
    ),
    "404": FrontPage(
        _("There is no such page"),
        (
            _("The address may be mistyped, or the page has moved."),
            _("If you typed the address, look at it again; or go on from here:"),
        ),
    ),
    "413": FrontPage(
        _("What was sent is too large"),
        (
            _("More was sent than this form can take, and nothing was done with it."),
            _("Go back, shorten what you typed and send it again. No file is needed for the registration."),
        ),
    ),
    "414": FrontPage(
        _("The address is too long"),
        (
            _("No page of this portal has such a long address. Perhaps something was pasted into it."),
            _("Open the portal's first page and go on from there. What was saved in the earlier steps is not lost."),
        ),
    ),
    "431": FrontPage(
        _("Your browser sent too much with the request"),
        (
            _("What it keeps for this site, or for others of the same domain, has grown too large."),
            _(
                "Delete the cookies of this site in the browser's settings, or use another browser. What was saved in "
                "the earlier steps is not lost."
            ),
        ),
        names_branch=True,
    ),
    "429": FrontPage(
        _("Too many requests"),
        (
            _("Many requests came from your network within a short time, so this one was set aside. Nothing is lost."),
            _("Wait one minute and send it again."),
        ),
    ),
}


def page(name: str) -> str:
    """The HTML of the page with this name in `PAGES`."""
    return render_to_string("portal/front.html", {"page": PAGES[name], "home": name != "away"}).strip()
