"""Registers the purges of connected services: tokens, grants, requests, assertions, counts of failures, sign-outs."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from common import limits, purging
from openid import housekeeping, throttling, usage
from openid.logout import queue

AT_ONCE = timedelta()

purging.register(
    "openid_tokens",
    _("ended tokens of services deleted"),
    place=170,
    work=purging.older_than(AT_ONCE, housekeeping.purge_tokens),
)
purging.register(
    "openid_grants",
    _("ended sign-ins to services deleted"),
    place=180,
    work=purging.older_than(AT_ONCE, housekeeping.purge_grants),
)
purging.register(
    "openid_requests",
    _("ended requests of services deleted"),
    place=190,
    work=purging.older_than(limits.OPENID_REQUESTS_KEPT, housekeeping.purge_requests),
)
purging.register(
    "sign_outs_told",
    _("old sign-outs of connected services deleted"),
    place=200,
    work=purging.older_than(limits.LOGOUT_KEPT, queue.purge),
)
purging.register(
    "openid_assertions",
    _("used proofs of services deleted"),
    place=210,
    work=purging.older_than(AT_ONCE, housekeeping.purge_assertions),
)
purging.register(
    "openid_failures",
    _("old counts of failures of services deleted"),
    place=220,
    work=purging.older_than(limits.OPENID_FAILURES_KEPT, throttling.purge),
)
purging.register(
    "openid_usage",
    _("old counts of what services did deleted"),
    place=230,
    work=purging.older_than(limits.OPENID_USAGE_KEPT, usage.purge),
)
