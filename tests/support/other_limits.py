"""Settings for `tests/support/told_limits.py`: each limit that a sentence tells is another one, before anything has
read it."""

from datetime import timedelta

from common import limits

OTHER_LIMITS = {
    "CODE_TRIES": 4,
    "CODES_PER_HOUR": 4,
    "CODE_LIFE": timedelta(minutes=5),
    "CODE_GAP": timedelta(minutes=2),
    "ANSWER_TRIES": 2,
    "ANSWER_TRIES_WITHIN": timedelta(days=5),
    "ANSWER_LONGEST": 70,
    "CORRECTIONS": 3,
    "DESK_NOTE_LONGEST": 350,
    "REJECTION_REASON_LONGEST": 250,
    "YOUNGEST_AGE": 9,
    "PASSWORD_SHORTEST": 11,
    "PASSWORD_LONGEST": 90,
    "SIGN_IN_FIRST_PAUSE": timedelta(minutes=11),
    "SIGN_IN_LONGEST_PAUSE": timedelta(minutes=45),
    "PASSED_BY_CODE": timedelta(minutes=35),
    "STAFF_TOTP_WITHIN": timedelta(minutes=20),
    "STAFF_TOTP_DIGITS": 8,
    "BUSY_COME_BACK": timedelta(seconds=20),
    "SESSION_IDLE": timedelta(minutes=25),
    "SESSION_LONGEST": timedelta(hours=7),
    "TRUSTED_FOR": timedelta(days=180),
    "FREEZE_LINK_LIFE": timedelta(hours=48),
    "RECOVERY_WITHOUT_ANSWER": timedelta(days=6),
    "SMS_RESULT_GIVE_UP": timedelta(hours=48),
    "MAIL_GIVE_UP": timedelta(hours=96),
    "SMS_HEALTH_WITHIN": timedelta(hours=13),
    "RECEIPT_DUE_WITHIN": timedelta(minutes=17),
    "STARTED_LIFE": timedelta(hours=30),
    "CONFIRMED_LIFE": timedelta(days=5),
    "BRANCH_LIFE": timedelta(days=50),
    "DRAFTS_KEPT": timedelta(days=6),
    "WAY_BACK_KEPT": timedelta(days=25),
    "CODES_KEPT": timedelta(days=4),
    "MESSAGE_BODY_KEPT": timedelta(hours=2),
    "MAIL_KEPT": timedelta(days=20),
    "FAILED_SIGN_INS_COUNT": timedelta(days=200),
    "SESSION_WARNING": timedelta(minutes=3),
}
for name, value in OTHER_LIMITS.items():
    if getattr(limits, name) == value:
        raise ValueError(name)
    setattr(limits, name, value)

from tests.settings import *  # noqa: E402, F403
