"""The portal's settings, with the limits of `common.limits` that the environment overrides.

    LIMIT_SMS_LEASE=5 LIMIT_SMS_RESULT_RETRIES=2,4 BEAT_AT_MOST=2 DJANGO_SETTINGS_MODULE=benchmarks.sms_settings …

A short form of a fault then takes seconds where the real one waits for a lease of a minute.
"""

import os
from datetime import timedelta

from common import limits
from tamin_portal.settings import *  # noqa: F403
from tamin_portal.settings import CELERY_BEAT_SCHEDULE, INSTALLED_APPS, env

INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks.sms_patience.Patience"]

for _entry in CELERY_BEAT_SCHEDULE.values():
    _entry["schedule"] = min(_entry["schedule"], env.float("BEAT_AT_MOST", default=float("inf")))

for _variable, _text in os.environ.items():
    if _variable.startswith("LIMIT_"):
        _numbers = tuple(float(part) for part in _text.split(","))
        match getattr(limits, _name := _variable.removeprefix("LIMIT_")):
            case timedelta():
                setattr(limits, _name, timedelta(seconds=_numbers[0]))
            case tuple():
                setattr(limits, _name, _numbers)
            case int() | float() as _present:
                setattr(limits, _name, type(_present)(_numbers[0]))
