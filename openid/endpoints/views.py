"""Token, revocation, introspection, userinfo."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from openid.protocol import pushing, server
from openid.protocol.messages import Answer, Message


def message(request: HttpRequest) -> Message:
    """The request, as the protocol takes it: only what stands in the form, never in the address."""
    is_form = request.content_type == "application/x-www-form-urlencoded"
    return Message(
        method=str(request.method),
        values=dict(request.POST.lists()) if is_form else {},
        headers=request.headers,
        address=request.client_address,  # type: ignore[attr-defined]
    )


def response(answer: Answer) -> HttpResponse:
    made = JsonResponse(answer.body, status=answer.status)
    for name, value in answer.headers.items():
        made[name] = value
    made["Cache-Control"] = "no-store"
    return made


@csrf_exempt
@require_POST
def token(request: HttpRequest) -> HttpResponse:
    """A code or a refresh token for new tokens."""
    return response(server.token_response(message(request)))


@csrf_exempt
@require_POST
def introspect(request: HttpRequest) -> HttpResponse:
    """Whether a token is good, and whose it is: for the service that it was made for."""
    return response(server.introspection_response(message(request)))


@csrf_exempt
@require_POST
def revoke(request: HttpRequest) -> HttpResponse:
    """The end of a token that a service needs no longer."""
    return response(server.revocation_response(message(request)))


@csrf_exempt
@require_http_methods(["GET", "POST"])
def userinfo(request: HttpRequest) -> HttpResponse:
    """What the service may know of the citizen."""
    return response(server.userinfo_response(message(request)))


@csrf_exempt
@require_POST
def push(request: HttpRequest) -> HttpResponse:
    """Take a pushed authorization request (RFC 9126)."""
    return response(pushing.push_response(message(request)))
