"""The portal's addresses, and an empty page."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from tamin_portal import urls
from tamin_portal.urls import *  # noqa: F403 - the handlers of errors too


def empty(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("")


urlpatterns = [path("benchmark/empty", empty), *urls.urlpatterns]
