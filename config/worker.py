"""What a worker does beside its tasks: it writes a heartbeat, serves its metrics, is watched.

Imported before the settings are loaded, so the functions import whatever needs the settings.
"""

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from celery.signals import (
    beat_init,
    heartbeat_sent,
    setup_logging,
    task_postrun,
    task_prerun,
    worker_init,
    worker_shutting_down,
)
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from config import progress

logger = logging.getLogger(__name__)
HEARTBEAT_INTERVAL = 5.0


class _HeartbeatState:
    # One thread, so that no two writes overlap.
    executor = ThreadPoolExecutor(1, thread_name_prefix="heartbeat")
    written_at = 0.0


def connect() -> None:
    """Connect the receivers of Celery's signals."""
    setup_logging.connect(_keep_logging)
    worker_init.connect(_start)
    heartbeat_sent.connect(_write_heartbeat_if_due)
    worker_shutting_down.connect(_stop_background)
    heartbeat_sent.connect(progress.note_heartbeat)
    task_prerun.connect(progress.note_task)
    task_postrun.connect(progress.note_task_end)
    beat_init.connect(progress.watch_beat)


def _keep_logging(**kwargs: Any) -> None:
    """Do nothing: that the signal has a receiver keeps Celery from configuring logging itself."""


def _start(**kwargs: Any) -> None:
    from django.conf import settings

    from config.observability import telemetry
    from config.observability.exporter import serve_on_port
    from config.start import report_walls, start_decoders

    wait_for_decoders = start_decoders(are_for_checks=False)
    report_walls()
    telemetry.start()
    if settings.METRICS_PORT and settings.METRICS_TOKEN:
        serve_on_port(settings.METRICS_PORT)
    wait_for_decoders()
    progress.watch_worker()


def _stop_background(**kwargs: Any) -> None:
    from lib.background import background

    background.stop()


def _write_heartbeat_if_due(**kwargs: Any) -> None:
    # Celery sends this signal every two seconds while the worker is connected to its broker.
    if time.monotonic() - _HeartbeatState.written_at >= HEARTBEAT_INTERVAL:
        _HeartbeatState.written_at = time.monotonic()
        _HeartbeatState.executor.submit(_write_heartbeat)


def _write_heartbeat() -> None:
    from notifications.models import Heartbeat

    close_old_connections()
    try:
        Heartbeat.objects.update_or_create(name=Heartbeat.WORKER, defaults={"at": timezone.now()})
    except DatabaseError as error:
        logger.warning("the heartbeat could not be written: %s", type(error).__name__)
