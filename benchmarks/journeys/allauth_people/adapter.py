"""Where django-allauth is told how phones are kept, and how an SMS is sent: here into a file, as cheaply as can be."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter

from benchmarks.journeys.allauth_people.models import User

PHONES = Path(os.environ["PHONES"])


class Adapter(DefaultAccountAdapter):
    def set_phone(self, user: Any, phone: str, verified: bool) -> None:
        user.phone, user.phone_verified = phone, verified
        user.save(update_fields=["phone", "phone_verified"])

    def get_phone(self, user: Any) -> tuple[str, bool] | None:
        return (user.phone, user.phone_verified) if user.phone else None

    def set_phone_verified(self, user: Any, phone: str) -> None:
        self.set_phone(user, phone, True)

    def get_user_by_phone(self, phone: str) -> User | None:
        return User.objects.filter(phone=phone).first()

    def send_verification_code_sms(self, user: Any, phone: str, code: str, **_more: Any) -> None:
        (PHONES / phone).write_text(code)
