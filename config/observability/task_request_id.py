"""Carry the id of a request into the tasks that it enqueues, whichever process runs them."""

from typing import Any

from celery.signals import before_task_publish, task_postrun, task_prerun

from lib.request_id import current_request_id, set_request_id

# The header of the Celery message.
_HEADER = "request_id"


def connect() -> None:
    """Connect the receivers of Celery's signals."""
    before_task_publish.connect(_add_header)
    task_prerun.connect(_set_request_id)
    task_postrun.connect(_reset_request_id)


def _add_header(headers: dict[str, Any] | None = None, **kwargs: Any) -> None:
    if headers is not None and current_request_id():
        headers[_HEADER] = current_request_id()


def _set_request_id(task_id: str, task: Any, **kwargs: Any) -> None:
    # An eager task runs inside the request, whose id is set already. A task that no request
    # enqueued runs under its own id.
    if not task.request.is_eager:
        set_request_id(getattr(task.request, _HEADER, None) or task_id)


def _reset_request_id(task: Any, **kwargs: Any) -> None:
    if not task.request.is_eager:
        set_request_id("")
