"""Web views of SMS: the receipt URL that gateways push to, and the inbox page (demo mode)."""

from __future__ import annotations

from urllib.parse import quote

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotFound
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from common import limits
from common.form_fields import MobileField
from sms import configuration, receipts
from sms.gateways.base import PushedReceipt
from sms.phone import conversations, received

_PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))


class NumberForm(forms.Form):
    """The number whose SMS are shown."""

    use_required_attribute = False
    to = MobileField()


@never_cache
@require_safe
def inbox(request: HttpRequest, template: str = "sms/inbox.html") -> HttpResponse:
    """`?to=` shows one number's SMS, newest first; without it, the newest of each. 404 outside demo mode.

    `template`: the page, if it shows more than SMS; it extends `sms/inbox.html`.
    """
    if not settings.DEMO:
        raise Http404
    form = NumberForm(request.GET if request.GET.get("to") else None)
    context: dict[str, object] = {"form": form}
    if form.is_valid():
        context |= {"number": form.cleaned_data["to"], "bubbles": received(to=form.cleaned_data["to"])}
    elif not form.is_bound:
        context["conversations"] = conversations()
    return render(request, template, context)


@csrf_exempt  # the token in the path is the proof
@require_http_methods(["GET", "POST"])
def receipt(request: HttpRequest, gateway: str, token: str) -> HttpResponse:
    """Store what a gateway pushes. 404 without its token."""
    if not receipts.token_is_right(gateway=gateway, token=token):
        return HttpResponseNotFound()
    body, whole = _body(request)
    pushed = PushedReceipt(
        method=str(request.method),
        query=_ascii(request.META.get("QUERY_STRING", "")),
        content_type=request.META.get("CONTENT_TYPE", ""),  # with its charset
        body=body,
    )
    receipts.keep(gateway, pushed, whole=whole)
    return HttpResponse(configuration.receipt_answer(gateway), content_type="text/plain")


def _body(request: HttpRequest) -> tuple[bytes, bool]:
    """The body, up to one byte more than is stored, and whether all of it came. A chunked body has no length, and
    Django would read it as empty."""
    most = limits.RECEIPT_LARGEST + 1
    length = str(request.META.get("CONTENT_LENGTH") or "")
    in_chunks = not length and "HTTP_TRANSFER_ENCODING" in request.META
    try:
        body = request.META["wsgi.input"].read(most) if in_chunks else request.read(most)
    except OSError:  # the connection ended, or the chunks are malformed
        return b"", False
    return body, not length.isdecimal() or len(body) >= min(int(length), most)


def _ascii(query: str) -> str:
    """The query with every byte that is not printable ASCII written as %XX, which means the same (PEP 3333: WSGI passes
    bytes as Latin-1)."""
    return quote(query.encode("latin-1", "replace"), safe=_PRINTABLE)
