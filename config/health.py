"""Whether the process lives, and whether everything it needs is there."""

from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config.celery import app
from images import storage
from notifications.models import Heartbeat

_PATIENCE = 2


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
    missing = [name for name, check in _CHECKS.items() if not _there(check)]
    status = 503 if missing else 200
    return JsonResponse({"ready": not missing, "missing": missing}, status=status)


def _there(check: Callable[[], None]) -> bool:
    try:
        check()
    except Exception:  # noqa: BLE001 (whatever a part's client raises, the part is not there)
        return False
    return True


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _migrations() -> None:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise NotThere


def _cache() -> None:
    client = cache._cache.get_client()  # type: ignore[attr-defined]
    client.ping()


def _broker() -> None:
    with app.connection_for_write(connect_timeout=_PATIENCE) as broker:
        broker.ensure_connection(max_retries=1, timeout=_PATIENCE)


def _storage() -> None:
    storage.check()


def _auth_events() -> None:
    """The listener writes a heartbeat every few seconds while it is connected."""
    if settings.AMQP_URL:
        late = timezone.now() - timedelta(seconds=30)
        if not Heartbeat.objects.filter(name="auth-events", at__gt=late).exists():
            raise NotThere


_CHECKS: dict[str, Callable[[], None]] = {
    "database": _database,
    "migrations": _migrations,
    "cache": _cache,
    "broker": _broker,
    "storage": _storage,
    "auth-events": _auth_events,
}
