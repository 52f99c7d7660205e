"""Settings of a test run: the real ones, with the environment that tests/servers sets."""

import os

os.environ.setdefault("LOCAL", "on")

from config.settings import *  # noqa: F403
from config.settings import DATABASES, LOGGING, REDIS_URL

SECRET_KEY = "a key that signs nothing outside a test run"
# One prefix for each process, so that parallel workers share no counter and no cached list.
_PREFIX = f"tintype-tests-{os.getpid()}"
CACHES = {
    "default": {
        "BACKEND": "config.cache.ForgivingRedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": _PREFIX,
        "OPTIONS": {"socket_timeout": 20, "socket_connect_timeout": 20},
    }
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # In a file, as in the local run: Django never closes a connection to a database in memory.
    DATABASES["default"]["TEST"] = {"NAME": DATABASES["default"]["NAME"]}
else:
    # A machine that is busy for a moment is not a failure.
    DATABASES["default"]["OPTIONS"].pop("options")
    # What was migrated once is copied by each process of a parallel run.
    DATABASES["default"]["TEST"] = {"TEMPLATE": os.environ.get("TEST_TEMPLATE")}
IS_COMMAND = True
# Tasks run at once where they are enqueued; the tests of real processes use a real worker.
CELERY_TASK_ALWAYS_EAGER = True
CELERY_TASK_EAGER_PROPAGATES = True
# Fast, since the tests create hundreds of accounts; the real hasher has a test of its own.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
TRUSTED_ORIGINS = ["https://trusted.example"]
METRICS_TOKEN = "whoever bears this may ask for metrics"
# Static files are looked up when asked for; each of the thousand clients would read all names.
WHITENOISE_AUTOREFRESH = True
# A line that is written later would be another test's, or come after the last one's result.
LOGGING["handlers"]["requests"]["class"] = "logging.StreamHandler"
