"""`/metrics`, for whoever bears METRICS_TOKEN; also on a port of its own, for a worker."""

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

from config.observability.collectors import Backlog

_tables = CollectorRegistry()
_tables.register(Backlog())
_CHALLENGE = ("WWW-Authenticate", 'Bearer realm="metrics"')


@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer 404 where no token is set: then nobody may ask."""
    if not settings.METRICS_TOKEN:
        raise Http404
    if not _may_ask(request.headers.get("Authorization", "")):
        return HttpResponse(status=401, headers=dict([_CHALLENGE]))
    if request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET", "HEAD"])
    return HttpResponse(_counted() + generate_latest(_tables), content_type=CONTENT_TYPE_LATEST)


def serve_apart(port: int) -> None:
    """Answer on a port of its own, in a thread that ends with the process."""
    server = make_server(
        "", port, _application, server_class=ThreadingWSGIServer, handler_class=_Quiet
    )
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()


class _Quiet(WSGIRequestHandler):
    """Writes no access log."""

    timeout = 5

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def _application(asked: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """The tables are asked by the HTTP processes; here is what this machine counts."""
    if not _may_ask(asked.get("HTTP_AUTHORIZATION", "")):
        start_response("401 Unauthorized", [_CHALLENGE])
        return []
    start_response("200 OK", [("Content-Type", CONTENT_TYPE_LATEST)])
    return [_counted()]


def _may_ask(header: str) -> bool:
    word, _, token = header.partition(" ")
    is_right = hmac.compare_digest(token.strip().encode(), settings.METRICS_TOKEN.encode())
    return bool(settings.METRICS_TOKEN) and word.lower() == "bearer" and is_right


def _counted() -> bytes:
    """What the processes of this machine or container have counted together."""
    folder: Path | None = settings.METRICS_DIR
    if folder is None:
        return generate_latest(REGISTRY)
    _forget_the_dead(folder)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def _forget_the_dead(folder: Path) -> None:
    """Drop what processes that have ended said of the present; what they counted stays."""
    for path in folder.glob("gauge_live*.db"):
        pid = int(path.stem.rsplit("_", 1)[1])
        if not _runs(pid):
            mark_process_dead(pid, path=str(folder))  # type: ignore[no-untyped-call]


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
