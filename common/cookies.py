"""Cookies: ours carry `settings.COOKIE_PREFIX`; of those that a browser sends, only plain ASCII names are read."""

from __future__ import annotations

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.http import HttpRequest


class Messages(CookieStorage):
    """Django's messages for the next page, in a cookie that no other host of the domain can plant."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
        self.cookie_name = settings.COOKIE_PREFIX + CookieStorage.cookie_name


def plainly_named(header: str) -> str:
    """The `Cookie` header without cookies whose name contains anything but printable ASCII."""
    if _is_plain(header):  # as nearly all are
        return header
    return ";".join(chunk for chunk in header.split(";") if _is_plain(chunk.partition("=")[0].strip(" \t")))


def _is_plain(name: str) -> bool:
    return name.isascii() and name.isprintable()
