"""The floor of the lists: the same rows from the same tables, as plain dicts, on bare WSGI.

No middleware, no framework's request, no token, no cache: one query, a loop, JSON. `/<uuid>` is an
account; `?thumbnails` asks for its thumbnails instead of its pictures.
"""

import json
import os
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from images.media import signed_path  # noqa: E402 (models need the setup)
from images.models import Picture  # noqa: E402
from thumbnails.models import Thumbnail  # noqa: E402

_HOST = "https://bench.example"
_LIMIT = 101


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer with the newest hundred."""
    owner = UUID(environ["PATH_INFO"].removeprefix("/"))
    made = _thumbnails(owner) if environ["QUERY_STRING"] else _pictures(owner)
    body = json.dumps(made).encode()
    start_response("200 OK", [("Content-Type", "application/json")])
    return [body]


def _pictures(owner: UUID) -> list[dict[str, Any]]:
    rows = Picture.objects.filter(owner=owner).order_by("-created_at", "-id")
    values = rows.values("id", "key", "created_at")[:_LIMIT]
    return [{"id": row["id"], "image": _HOST + signed_path(row["key"])} for row in values]


def _thumbnails(owner: UUID) -> list[dict[str, Any]]:
    rows = Thumbnail.objects.filter(owner=owner, height__in=[200, 400])
    values = rows.order_by("-created_at", "-id").values(
        "id", "picture_id", "height", "key", "created_at"
    )
    return [
        {
            "id": row["id"],
            "image_id": row["picture_id"],
            "height": row["height"],
            "thumbnail": _HOST + signed_path(row["key"]),
        }
        for row in values[:_LIMIT]
    ]
