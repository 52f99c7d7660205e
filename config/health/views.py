"""`/healthz` and `/readyz`.

Where HEALTH_PORT is set they are also answered there (`config.health.listener`), whatever the
threads for requests do.
"""

from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache

from config.celery import app
from config.health.probes import Probe, run_probes, start_probes, wait_for
from images.sandbox.walls import find_walls
from images.sandbox.work_dir import work_dir
from images.storage.base import picture_storage
from lib.background import check_broker
from lib.read_only import read_only
from lib.redis_client import check_redis
from lib.room import check_room
from notifications.models import Heartbeat

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

    Names alone: anyone may ask, so no error message of a part is shown. `?for=web` leaves out what
    other processes do: a router that asks it does not take web processes out for them.
    """
    status, body = readiness(request.GET.get("for", ""))
    return JsonResponse(body, status=status)


def readiness(asked_for: str = "") -> tuple[int, dict[str, Any]]:
    """Return the status and the body of `/readyz`, within two seconds."""
    asked = {
        name: probe
        for name, probe in _PROBES.items()
        if asked_for != _WEB or name not in _OTHER_PROCESSES
    }
    found = run_probes(asked)
    missing = [name for name, is_available in found.items() if not is_available]
    parts = {
        name: "ok" if is_available else asked[name].state for name, is_available in found.items()
    }
    tried = find_walls().tried
    walls = {name: "missing" if reason else "stands" for name, reason in tried.items()}
    body = {"ready": not missing, "missing": missing, "parts": parts, "walls": walls}
    return (503 if missing else 200), body


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
    # Not by the cache's backend, which hides an outage.
    check_redis(settings.REDIS_URL)


def _check_broker() -> None:
    check_broker(app)


def _check_storage() -> None:
    with _own_connection():
        picture_storage.check()
    picture_storage.check_room()
    check_room(work_dir())


def _check_heartbeat(name: str) -> None:
    with _own_connection():
        since = timezone.now() - _MAX_HEARTBEAT_AGE
        if not Heartbeat.objects.filter(name=name, at__gt=since).exists():
            raise NotAvailable


def _check_auth_events() -> None:
    if settings.AMQP_URL:
        _check_heartbeat(Heartbeat.LISTENER)


_CHECKS: dict[str, Callable[[], None]] = {
    "database": _check_database,
    "migrations": _check_migrations,
    "cache": _check_cache,
    "broker": _check_broker,
    "storage": _check_storage,
    "worker": partial(_check_heartbeat, Heartbeat.WORKER),
    "auth-events": _check_auth_events,
}
_PROBES = {name: Probe(check, name) for name, check in _CHECKS.items()}
_WEB = "web"
_OTHER_PROCESSES = {"worker", "auth-events"}


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
