"""A task works under the id of the request that asked for it, in whatever process it runs."""

from typing import Any

from celery.signals import before_task_publish, task_postrun, task_prerun

from lib.request_id import current_id, work_for

# What a Celery message calls it.
_HEADER = "request_id"


def connect() -> None:
    """Listen to Celery."""
    before_task_publish.connect(_send_along)
    task_prerun.connect(_begin)
    task_postrun.connect(_end)


def _send_along(headers: dict[str, Any] | None = None, **kwargs: Any) -> None:
    if headers is not None and current_id():
        headers[_HEADER] = current_id()


def _begin(task_id: str, task: Any, **kwargs: Any) -> None:
    """A task that nobody's request asked for works under its own id."""
    if not task.request.is_eager:
        work_for(getattr(task.request, _HEADER, None) or task_id)


def _end(task: Any, **kwargs: Any) -> None:
    if not task.request.is_eager:
        work_for("")
