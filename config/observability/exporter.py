"""`/metrics`, for callers with METRICS_TOKEN; a worker serves its metrics on a port of its own."""

import hmac
import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.views.decorators.cache import never_cache
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.exposition import ThreadingWSGIServer
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from config.observability.collectors import BacklogCollector, RoomCollector

_database_registry = CollectorRegistry()
_database_registry.register(BacklogCollector())
_room_registry = CollectorRegistry()
_room_registry.register(RoomCollector())
_CHALLENGE = ("WWW-Authenticate", 'Bearer realm="metrics"')


@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Return 404 without METRICS_TOKEN: then nobody may read the metrics."""
    if not settings.METRICS_TOKEN:
        raise Http404
    if not _is_authorized(request.headers.get("Authorization", "")):
        return HttpResponse(status=401, headers=dict([_CHALLENGE]))
    if request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET", "HEAD"])
    content = _process_metrics() + generate_latest(_database_registry) + _room_metrics()
    return HttpResponse(content, content_type=CONTENT_TYPE_LATEST)


def serve_on_port(port: int) -> None:
    """Serve the metrics of this machine's processes in a thread that ends with the process."""
    server = make_server(
        "", port, _application, server_class=ThreadingWSGIServer, handler_class=_QuietHandler
    )
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()


class _QuietHandler(WSGIRequestHandler):
    timeout = 5

    def log_message(self, format: str, *args: Any) -> None:
        """Write no access log."""


def _application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    # Without the backlog, which the HTTP processes already report from the same database.
    if not _is_authorized(environ.get("HTTP_AUTHORIZATION", "")):
        start_response("401 Unauthorized", [_CHALLENGE])
        return []
    start_response("200 OK", [("Content-Type", CONTENT_TYPE_LATEST)])
    return [_process_metrics() + _room_metrics()]


def _is_authorized(header: str) -> bool:
    scheme, _, token = header.partition(" ")
    is_right = hmac.compare_digest(token.strip().encode(), settings.METRICS_TOKEN.encode())
    return bool(settings.METRICS_TOKEN) and scheme.lower() == "bearer" and is_right


def _room_metrics() -> bytes:
    return generate_latest(_room_registry)


def _process_metrics() -> bytes:
    """Return the metrics that the processes of this machine or container have counted together."""
    folder: Path | None = settings.METRICS_DIR
    if folder is None:
        return generate_latest(REGISTRY)
    _remove_gauges_of_ended_processes(folder)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))
    return generate_latest(registry)


def _remove_gauges_of_ended_processes(folder: Path) -> None:
    # Counters of ended processes stay; only what they said of the present is wrong by now.
    for path in folder.glob("gauge_live*.db"):
        pid = int(path.stem.rsplit("_", 1)[1])
        if not _is_running(pid):
            mark_process_dead(pid, path=str(folder))


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it runs, as another user
        return True
    return True
