"""What a worker does beside its tasks: it shows that it lives, and answers Prometheus.

Imported before the settings are there, so whatever needs them is imported when a worker starts.
"""

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from celery.signals import heartbeat_sent, setup_logging, worker_init
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

logger = logging.getLogger(__name__)
NAME = "worker"
BEAT_EVERY = 5.0


class _Pulse:
    """When this process last noted that it lives; one thread, so that no two notes overlap."""

    thread = ThreadPoolExecutor(1, thread_name_prefix="pulse")
    noted_at = 0.0


def connect() -> None:
    """Listen to Celery."""
    setup_logging.connect(_leave_logging)
    worker_init.connect(_begin)
    heartbeat_sent.connect(_beat)


def _leave_logging(**kwargs: Any) -> None:
    """Having a receiver keeps Celery from setting levels and formats of its own over ours."""


def _begin(**kwargs: Any) -> None:
    from django.conf import settings

    from config.observability import telemetry
    from config.observability.exporter import serve_apart

    telemetry.start()
    if settings.METRICS_PORT and settings.METRICS_TOKEN:
        serve_apart(settings.METRICS_PORT)


def _beat(**kwargs: Any) -> None:
    """Celery says this every two seconds while the worker is connected to its broker."""
    if time.monotonic() - _Pulse.noted_at >= BEAT_EVERY:
        _Pulse.noted_at = time.monotonic()
        _Pulse.thread.submit(_note)


def _note() -> None:
    from notifications.models import Heartbeat

    close_old_connections()
    try:
        Heartbeat.objects.update_or_create(name=NAME, defaults={"at": timezone.now()})
    except DatabaseError as error:
        logger.warning("the heartbeat was not written: %s", type(error).__name__)
