"""The settings of a deployment in which something hangs (`tests.faults.hanging`)."""

from celery.signals import before_task_publish, heartbeat_sent

from config import progress
from config.settings import *  # noqa: F403
from config.settings import STORAGES as _STORAGES
from config.settings import WATCHDOG_SECONDS as _SECONDS
from tests.faults.hanging import hang_beat, hang_worker

STORAGES = {**_STORAGES, "default": {"BACKEND": "tests.faults.hanging.HangingStorage"}}
# Ten minutes and half a minute would make long tests.
progress._MAX_TASK_SECONDS = _SECONDS
CELERY_BEAT_MAX_LOOP_INTERVAL = 1
heartbeat_sent.connect(hang_worker)
before_task_publish.connect(hang_beat)
