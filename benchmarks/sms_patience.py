"""An app that takes a shorter time-out for gateways from the environment: short forms of faults wait for it."""

from __future__ import annotations

import os

from django.apps import AppConfig


class Patience(AppConfig):
    """ANSWER_WITHIN=3: seconds until a call of a gateway that does not answer ends."""

    name = "benchmarks"

    def ready(self) -> None:
        from common import http_client
        from sms.gateways import smpp_session

        if seconds := os.environ.get("ANSWER_WITHIN"):
            http_client.ANSWER_WITHIN = smpp_session.ANSWER_WITHIN = float(seconds)
