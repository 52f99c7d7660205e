"""The floors that need data: the same rows, the same hash, the same statements, on bare WSGI.

No middleware, no framework's request, no cache. `/<uuid>` lists an account's pictures as plain
dicts, with `?thumbnails`, `?me` or `?pictures` what those lists hold; an Authorization header is
checked as the service does.
`/hash` checks a password. `/link/<id>` asks for a link's row, counts, and leaves the file to nginx.
"""

import json
import os
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.contrib.auth.hashers import check_password, make_password  # noqa: E402 (the setup)
from django.db import connection  # noqa: E402

from accounts.token_authentication import authenticate_jwt  # noqa: E402
from benchmarks.http.rows import PASSWORD  # noqa: E402
from images.models import Picture  # noqa: E402
from images.signed_urls import signed_path  # noqa: E402
from thumbnails.models import Thumbnail  # noqa: E402

_HOST = "https://bench.example"
_LIMIT = 101
_KNOWN = make_password(PASSWORD)
_FIND = "select key from images_link l join images_picture p on p.id = picture_id where l.id = %s"
_COUNT = "update images_link set opened = opened + 1, last_opened_at = now() where id = %s"


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer as the path asks."""
    path: str = environ["PATH_INFO"]
    if path.startswith("/link/"):
        key = _open_link(int(path.removeprefix("/link/")))
        start_response("200 OK", [("X-Accel-Redirect", f"/protected/{key}")])
        return [b""]
    body = b"{}" if path == "/hash" and check_password(PASSWORD, _KNOWN) else _render_list(environ)
    start_response("200 OK", [("Content-Type", "application/json")])
    return [body]


def _render_list(environ: dict[str, Any]) -> bytes:
    """Write the newest hundred."""
    if token := environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer "):
        authenticate_jwt(token, "bearer")
    owner = UUID(environ["PATH_INFO"].removeprefix("/"))
    return json.dumps(_LISTS[environ["QUERY_STRING"]](owner)).encode()


def _open_link(link: int) -> str:
    with connection.cursor() as cursor:
        cursor.execute(_FIND, [link])
        [key] = cursor.fetchone()
        cursor.execute(_COUNT, [link])
    return str(key)


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


def _me(owner: UUID) -> list[dict[str, Any]]:
    rows = Picture.objects.filter(owner=owner).order_by("-created_at", "-id")
    values = rows.values("id", "uid", "description", "created_at")[:_LIMIT]
    return [
        {
            "description": row["description"],
            "id": str(row["uid"]),
            "source": f"/api/images/{row['uid']}",
            "upload_date": str(row["created_at"]),
        }
        for row in values
    ]


def _of_pictures_service(owner: UUID) -> list[dict[str, Any]]:
    rows = Picture.objects.filter(owner=owner).order_by("-created_at", "-id")
    columns = ("id", "is_active", "key", "created_at", "updated_at", "owner_id")
    return [
        {
            "id": row["id"],
            "is_active": row["is_active"],
            "path": row["key"].rpartition("/")[2],
            "createdAt": row["created_at"].isoformat(),
            "updatedAt": row["updated_at"].isoformat(),
            "user_id": str(row["owner_id"]),
            "url": _HOST + signed_path(row["key"]),
        }
        for row in rows.values(*columns)[:_LIMIT]
    ]


_LISTS = {
    "": _pictures,
    "thumbnails": _thumbnails,
    "me": _me,
    "pictures": _of_pictures_service,
}
