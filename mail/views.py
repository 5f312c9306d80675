"""Web view of one letter in the demo's mailbox, as a mail program would show it."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from mail.models import InboxLetter

# Inline styles are allowed here, as mail needs them; the portal's pages have none. Of the letter only links work.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "sandbox allow-top-navigation-by-user-activation allow-popups"
)


@never_cache
@require_safe
def inbox_letter(request: HttpRequest, number: int) -> HttpResponse:
    """The HTML of one letter. 404 outside demo mode."""
    if not settings.DEMO:
        raise Http404
    letter = get_object_or_404(InboxLetter, pk=number)
    return HttpResponse(letter.html, headers={"Content-Security-Policy": POLICY})
