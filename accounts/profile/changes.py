"""Changes what needs only the current password: the password, the security question, the choice of a code on new
devices.

`checked` is the stored hash that the typed current password matched: if another one is in force when the row is locked,
nothing is changed.
"""

from __future__ import annotations

from django.contrib.auth.hashers import check_password
from django.db import transaction
from django.utils import timezone

from accounts.life import notices
from accounts.life.locking import end_pending, end_recoveries, open_with_password
from accounts.models import EventKind, TrustedDevice, User
from accounts.passwords.answers import hash_answer
from accounts.passwords.rules import hash_password
from accounts.sessions.ending import end_sessions
from accounts.sessions.listeners import Reason
from accounts.sign_in import risk
from common.abuse import hashing_places
from common.errors import PortalError


def change_password(
    *, account: User, checked: str, new: str, session: str, device: TrustedDevice | None = None, browser: str = ""
) -> User:
    """Set a new password. The `session` with this key and the trust in `device`, where it is done, stay; all other
    sessions and devices end, and so does whatever waits for a proof.

    The form has checked the rules. Hashes outside the transaction. The same page sent twice changes it once. Raises
    PortalError: account_closed, changed_meanwhile, password_too_long, hashing_busy (`seconds`).
    """
    with hashing_places.place(hashing_places.Whose.INSIDE):
        hashed = hash_password(new)
    try:
        return _set_password(
            account=account, checked=checked, hashed=hashed, session=session, device=device, browser=browser
        )
    except PortalError as error:
        now = User.objects.filter(pk=account.pk, is_active=True).first()
        with hashing_places.place(hashing_places.Whose.INSIDE):
            if error.code == "changed_meanwhile" and now and check_password(new, now.password):
                return now  # changed by the first press of a double click
        raise


@transaction.atomic
def _set_password(
    *, account: User, checked: str, hashed: str, session: str, device: TrustedDevice | None, browser: str
) -> User:
    row = open_with_password(account=account, checked=checked)
    row.password, row.password_changed_at = hashed, timezone.now()
    row.save(update_fields=["password", "password_changed_at"])
    end_pending(account=row)
    risk.clear_stopped_tries(account=row)
    end_sessions(account=row, reason=Reason.PASSWORD_CHANGED, but=session)
    TrustedDevice.objects.filter(account=row).exclude(pk=device.pk if device else 0).delete()
    notices.record(account=row, kind=EventKind.PASSWORD_CHANGED, browser=browser)
    return row


def change_question(*, account: User, checked: str, question: str, answer: str, browser: str = "") -> User:
    """Set another security question and answer. Recoveries that were begun with the old one end.

    Raises PortalError: account_closed, changed_meanwhile, and those of `hash_answer`.
    """
    hashed = hash_answer(answer)
    with transaction.atomic():
        row = open_with_password(account=account, checked=checked)
        row.security_question, row.security_answer = question, hashed
        row.recovery_without_answer_until = None  # whoever sets an answer knows one
        row.save(update_fields=["security_question", "security_answer", "recovery_without_answer_until"])
        end_recoveries(account=row)
        notices.record(account=row, kind=EventKind.QUESTION_CHANGED, browser=browser)
    return row


@transaction.atomic
def choose_sign_in_code(*, account: User, checked: str, on: bool, browser: str = "") -> User:
    """Set whether a code is required on new devices. A choice that is in force already changes nothing and is not
    recorded.

    Raises PortalError: account_closed, changed_meanwhile.
    """
    row = open_with_password(account=account, checked=checked)
    if row.code_at_sign_in != on:
        row.code_at_sign_in = on
        row.save(update_fields=["code_at_sign_in"])
        notices.record(account=row, kind=EventKind.CODE_ON if on else EventKind.CODE_OFF, browser=browser)
    return row
