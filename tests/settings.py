"""Settings for tests: demo mode on a home of its own; DATABASE_URL and REDIS_URL are honoured."""

import atexit
import os
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

# Never the home of a portal that someone uses; gone when the tests are over.
HOME = os.environ["PORTAL_HOME"] = tempfile.mkdtemp(prefix="portal-test-")
atexit.register(shutil.rmtree, HOME, ignore_errors=True)
os.environ.setdefault("PORTAL_MODE", "demo")
os.environ.setdefault("SECRET_KEY", "tests-only-" + "x" * 50)
os.environ.setdefault("CODE_HASH_KEY", "tests-only-" + "y" * 50)
# Nobody listens there: a hint costs nothing and reaches nobody, unless REDIS_URL says otherwise.
os.environ.setdefault("REDIS_URL", "redis://127.0.0.1:1/0")

from openid import key_files  # noqa: E402
from tamin_portal.settings import *  # noqa: E402, F403
from tamin_portal.settings import DATABASES, OPENID_KEYS, STORAGES  # noqa: E402

for algorithm in key_files.ALGORITHMS:
    key_files.make(Path(OPENID_KEYS), algorithm, datetime.now(UTC) - timedelta(days=2))

# A database of tests need not outlive a power failure: no test waits for the disk.
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, not memory: threads and processes share it as they do in production.
    DATABASES["default"]["TEST"] = {"NAME": os.path.join(HOME, "test.sqlite3")}
    DATABASES["default"]["OPTIONS"]["init_command"] += "PRAGMA synchronous=OFF;"
else:
    DATABASES["default"].setdefault("OPTIONS", {})["options"] = "-c synchronous_commit=off"
DATABASES["default"]["CONN_MAX_AGE"] = 0
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
STATICFILES_DIRS: list[str] = []
WHITENOISE_AUTOREFRESH = True
STATIC_ROOT = HOME
HASHING_PLACES = 99  # races press together; the tests of the places make their own
OPENID_USAGE_WRITTEN_WITHIN = SESSION_USES_WRITTEN_WITHIN = 0  # a test reads at once what it has just done
