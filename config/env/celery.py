"""Settings by which background work survives the death of a worker or a broker."""

from typing import Any

from kombu import Queue

from config.env.readers import env_int

# The task that renders an upload's thumbnails.
_UPLOADS = "thumbnails.ensure"

# A worker renews its lease on a picture while it renders. A worker whose lease has run out is
# taken for dead, and its picture is enqueued again.
RENDER_LEASE_SECONDS = env_int("RENDER_LEASE_SECONDS", 15, min=1, max=3600)
# The scheduler keeps one connection; after the broker was away, only a retry opens another.
PUBLISH_WITH_RETRY = {"retry": True, "retry_policy": {"max_retries": 3}}


def queues_and_routes(name: str, *, is_quorum: bool) -> tuple[list[Queue], dict[str, Any]]:
    """Return Celery's queues and routes: `name` for uploads, `name.background` for the rest.

    Workers of a release before consume `name` alone, which so is the one for what people wait for.
    """
    arguments = {"x-queue-type": "quorum"} if is_quorum else None
    background = f"{name}.background"
    queues = [
        Queue(each, routing_key=each, queue_arguments=arguments) for each in (name, background)
    ]
    return queues, {_UPLOADS: {"queue": name}, "*": {"queue": background}}
