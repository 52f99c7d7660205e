"""`/healthz` and `/readyz`."""

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

from config import worker
from config.celery import app
from config.health.probes import Probe, run_probes, start_probes, wait_for
from images.sandbox.walls import find_walls
from images.storage.base import picture_storage
from lib.read_only import read_only
from notifications.models import Heartbeat

_BROKER_TIMEOUT = 1
# Worker and listener write a heartbeat every five seconds.
_MAX_HEARTBEAT_AGE = timedelta(seconds=30)


class NotAvailable(Exception):
    """A required part is not available."""


@read_only
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """Return 200 while the process is alive, whatever else is down."""
    return HttpResponse("ok", content_type="text/plain")


@read_only
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """Return 200 when every part is available, else 503 naming those that are not.

    Names alone: anyone may ask, so no error message of a part is shown.
    """
    found = run_probes(_PROBES)
    missing = [name for name, is_available in found.items() if not is_available]
    parts = {name: "ok" if is_available else "missing" for name, is_available in found.items()}
    tried = find_walls().tried
    walls = {name: "missing" if reason else "stands" for name, reason in tried.items()}
    body = {"ready": not missing, "missing": missing, "parts": parts, "walls": walls}
    return JsonResponse(body, status=503 if missing else 200)


def _own_connection() -> "closing[Any]":
    # Each thread has its own connection, and the thread of a probe ends with the check.
    return closing(connection)


def _check_database() -> None:
    with _own_connection(), connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _check_migrations() -> None:
    with _own_connection():
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            raise NotAvailable


def _check_cache() -> None:
    # The client itself, since the cache backend hides an outage.
    client = cache._cache.get_client()  # type: ignore[attr-defined]
    client.ping()


def _check_broker() -> None:
    with app.connection_for_write(connect_timeout=_BROKER_TIMEOUT) as broker:
        broker.ensure_connection(max_retries=1, timeout=_BROKER_TIMEOUT)


def _check_storage() -> None:
    with _own_connection():
        picture_storage.check()


def _check_heartbeat(name: str) -> None:
    with _own_connection():
        since = timezone.now() - _MAX_HEARTBEAT_AGE
        if not Heartbeat.objects.filter(name=name, at__gt=since).exists():
            raise NotAvailable


def _check_auth_events() -> None:
    if settings.AMQP_URL:
        _check_heartbeat(Heartbeat.LISTENER)


_PROBES = {
    "database": Probe(_check_database),
    "migrations": Probe(_check_migrations),
    "cache": Probe(_check_cache),
    "broker": Probe(_check_broker),
    "storage": Probe(_check_storage),
    "worker": Probe(partial(_check_heartbeat, worker.NAME)),
    "auth-events": Probe(_check_auth_events),
}


class PartsAtWork:
    """The state of the parts beside the database, for a page that people wait for."""

    # In seconds, counted from `wait`. A part that answers does so in hundredths of it.
    TIMEOUT = 0.4
    NAMES = ("storage", "broker", "cache", "worker")

    def __init__(self) -> None:
        """Start looking."""
        names = [*self.NAMES, "auth-events"] if settings.AMQP_URL else self.NAMES
        self._results = start_probes({name: _PROBES[name] for name in names})

    def wait(self) -> dict[str, bool]:
        """Return which parts answer."""
        return wait_for(self._results, self.TIMEOUT)
