"""Whether the process lives, and whether everything it needs is there."""

from contextlib import closing
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config import worker
from config.celery import app
from config.health.probes import Probe, are_there
from images.storage import base as picture_storage
from notifications.logouts import listener
from notifications.models import Heartbeat

_BROKER_SECONDS = 1
# A process that beats every few seconds is gone after this.
_SILENT = timedelta(seconds=30)


class NotThere(Exception):
    """A part that is needed and is not there."""


@require_safe
@never_cache
def alive(request: HttpRequest) -> HttpResponse:
    """Answer 200 while the process lives, whatever else is down."""
    return HttpResponse("ok", content_type="text/plain")


@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """Answer 200, or 503 naming what is missing; nothing about the inside."""
    found = are_there(_PROBES)
    missing = [name for name, is_there in found.items() if not is_there]
    parts = {name: "ok" if is_there else "missing" for name, is_there in found.items()}
    body = {"ready": not missing, "missing": missing, "parts": parts}
    return JsonResponse(body, status=503 if missing else 200)


def _own_connection() -> "closing[Any]":
    """A probe's thread has a connection of its own, which is given back."""
    return closing(connection)


def _database() -> None:
    with _own_connection(), connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _migrations() -> None:
    with _own_connection():
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            raise NotThere


def _cache() -> None:
    client = cache._cache.get_client()  # type: ignore[attr-defined]
    client.ping()


def _broker() -> None:
    with app.connection_for_write(connect_timeout=_BROKER_SECONDS) as broker:
        broker.ensure_connection(max_retries=1, timeout=_BROKER_SECONDS)


def _storage() -> None:
    with _own_connection():
        picture_storage.check()


def _heard_lately(name: str) -> None:
    """Raise NotThere where a process has not said for long that it lives."""
    with _own_connection():
        if not Heartbeat.objects.filter(name=name, at__gt=timezone.now() - _SILENT).exists():
            raise NotThere


def _auth_events() -> None:
    if settings.AMQP_URL:
        _heard_lately(listener.NAME)


_PROBES = {
    "database": Probe(_database),
    "migrations": Probe(_migrations),
    "cache": Probe(_cache),
    "broker": Probe(_broker),
    "storage": Probe(_storage),
    "worker": Probe(partial(_heard_lately, worker.NAME)),
    "auth-events": Probe(_auth_events),
}
