"""Every answer bears its request's id, and so do the tasks that the request asked for."""

from collections.abc import Callable
from typing import Any

from celery.signals import before_task_publish, task_postrun, task_prerun
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from accounts.request_ids import current_id, is_sane, new_id, work_for, working_for

HEADER = "X-Request-ID"
# What a Celery message calls it.
_CARRIED = "request_id"


class RequestIdMiddleware:
    """The outermost one, so that errors and refusals bear the id too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """Know what comes next."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Work for the request under its id."""
        with working_for(_given(request) or new_id()) as request_id:
            response = self.get_response(request)
        response[HEADER] = request_id
        return response


def _given(request: HttpRequest) -> str:
    """Believe an id only where a proxy of ours stands in front and writes it."""
    text = request.headers.get(HEADER, "") if settings.TRUSTED_PROXIES else ""
    return text if is_sane(text) else ""


@before_task_publish.connect
def _send_along(headers: dict[str, Any] | None = None, **kwargs: Any) -> None:
    if headers is not None and current_id():
        headers[_CARRIED] = current_id()


@task_prerun.connect
def _begin(task_id: str, task: Any, **kwargs: Any) -> None:
    """A task that nobody's request asked for works under its own id."""
    if not task.request.is_eager:
        work_for(getattr(task.request, _CARRIED, None) or task_id)


@task_postrun.connect
def _end(task: Any, **kwargs: Any) -> None:
    if not task.request.is_eager:
        work_for("")
