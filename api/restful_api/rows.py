"""Rows of the image RESTful API's lists, built from plain values: model instances are the cost."""

import hashlib
from collections.abc import Callable, Iterable
from typing import Any, TypedDict

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from api.pagination import Cursor, Page
from api.views import caller
from delivery.access import grants_original
from images.caching import cached
from images.models import Picture
from images.signed_urls import signed_url


class PictureRow(TypedDict):
    """A picture as the contract writes it."""

    id: int
    image: str


class PictureDetails(PictureRow):
    """A picture with what its owner says of it, and what stands for it until it is loaded."""

    description: str
    visibility: str
    thumbhash: str | None
    dominant_color: str | None


class ThumbnailRow(TypedDict):
    """A thumbnail as the contract writes it."""

    id: int
    image_id: int
    height: int
    thumbnail: str


Values = dict[str, Any]
THUMBNAIL_FIELDS = ("id", "picture_id", "height", "key", "created_at")
Listing = tuple[list[Any], str]


def host_of(request: Request) -> str:
    """Return scheme and host of our own addresses, for this client."""
    return request.build_absolute_uri("/")[:-1]


def picture_row(row: Values, *, host: str, original: bool) -> PictureRow:
    """Write a picture; without the grant only a name, from which no address can be made."""
    key: str = row["key"]
    image = signed_url(key, host) if original else key.rsplit("/", 1)[-1]
    return {"id": row["id"], "image": image}


def written(request: Request, picture: Picture) -> PictureRow:
    """Write one picture as its caller gets it."""
    row = {"id": picture.pk, "key": picture.key}
    original = grants_original(caller(request), picture.owner)
    return picture_row(row, host=host_of(request), original=original)


def written_details(request: Request, picture: Picture) -> PictureDetails:
    """Write one picture with what its owner says of it."""
    return {
        **written(request, picture),
        "description": picture.description,
        "visibility": picture.visibility,
        "thumbhash": picture.thumbhash or None,
        "dominant_color": picture.dominant_color or None,
    }


def thumbnail_row(row: Values, *, host: str) -> ThumbnailRow:
    """Write a thumbnail."""
    return {
        "id": row["id"],
        "image_id": row["picture_id"],
        "height": row["height"],
        "thumbnail": signed_url(row["key"], host),
    }


def listed(
    request: Request, rows: Callable[[Page], Iterable[Any]], write: Callable[[Values], Any]
) -> Response:
    """Return one page as a response, cached for a few seconds for this account alone."""
    page = Page.of(request)
    host = host_of(request)
    viewer = caller(request)

    def make() -> Listing:
        found = list(rows(page))
        shown, more = found[: page.limit], len(found) > page.limit
        last = Cursor(shown[-1]["created_at"], shown[-1]["id"]) if more else None
        return [write(row) for row in shown], page.next_url(request, last) if last else ""

    body, following = cached(viewer.pk, _name(viewer, host, request), make)
    headers = {"Link": f'<{following}>; rel="next"'} if following else None
    return Response(body, headers=headers)


def _name(viewer: User, host: str, request: Request) -> str:
    """Everything a list depends on besides the rows: address, tier and what the tier says now."""
    tier = viewer.tier
    window = settings.MEDIA_URL_WINDOW
    parts = [
        host,
        request.get_full_path(),
        str(tier.pk),
        tier.updated_at.isoformat(),
        str(viewer.is_staff),
        str(window),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
