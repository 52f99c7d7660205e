"""The service's settings, but that what waits to be removed is looked for every few seconds."""

from datetime import timedelta

from config.settings import *  # noqa: F403
from config.settings import CELERY_BEAT_SCHEDULE

CELERY_BEAT_SCHEDULE["remove files of deleted rows"] |= {"schedule": timedelta(seconds=5)}
