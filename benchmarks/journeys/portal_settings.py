"""The portal's settings as it is shipped, with one page more: an empty one, through all that every page goes through.

HASHER=cheap: with hashes that cost nearly nothing.
"""

import os

from tamin_portal.settings import *  # noqa: F403
from tamin_portal.settings import INSTALLED_APPS

ROOT_URLCONF = "benchmarks.journeys.portal_urls"
if os.environ.get("HASHER") == "cheap":
    INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks.journeys.cheap_hashes.CheapHashes"]
