"""The fields of a picture that a client may ask for by `?fields=`, and how each is written."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import User
from delivery.access import ServableFile, grants_original, name_for, original_for
from delivery.client_urls import FILE_COLUMNS, ClientUrls
from images.access import may_change
from images.exceptions import NotReady, NotRenderable
from images.models import Picture, clean_copy_state
from notifications.events import format_timestamp
from thumbnails.models import Thumbnail

Row = Mapping[str, Any]
_ALL = "all"


@dataclass(frozen=True, slots=True)
class Page:
    """What a field depends on besides its row: how addresses are written, the rows' thumbnails."""

    urls: ClientUrls
    is_granted: bool
    thumbnails: Mapping[int, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class PictureField:
    """The columns that a field reads, and what it writes of a row with them."""

    columns: tuple[str, ...]
    write: Callable[[Row, Page], Any]


def _image(row: Row, page: Page) -> str:
    """Without the grant of the original, it is a name from which no address can be made."""
    key: str = row["key"]
    if not page.is_granted:
        return key.rsplit("/", 1)[-1]
    return page.urls.file_url(key, row["name"] or "")


def _failure(row: Row, page: Page) -> str | None:
    is_failed = row["rendering"] == Picture.Rendering.FAILED
    return (row["render_failure"] or "It could not be rendered.") if is_failed else None


def _clean_copy(row: Row, page: Page) -> str | None:
    return clean_copy_state(row["clean_key"], row["clean_version"])


def _as_it_is(column: str) -> PictureField:
    return PictureField((column,), lambda row, page: row[column])


def _or_null(column: str) -> PictureField:
    return PictureField((column,), lambda row, page: row[column] or None)


def _moment(column: str) -> PictureField:
    return PictureField((column,), lambda row, page: format_timestamp(row[column]))


FIELDS = {
    "id": _as_it_is("id"),
    "uid": PictureField(("uid",), lambda row, page: str(row["uid"])),
    "image": PictureField(("key", "name"), _image),
    "name": _as_it_is("name"),
    "width": _as_it_is("width"),
    "height": _as_it_is("height"),
    "bytes": _as_it_is("bytes"),
    "sha256": _as_it_is("sha256"),
    "format": _as_it_is("format"),
    "frames": _as_it_is("frames"),
    "created_at": _moment("created_at"),
    "updated_at": _moment("updated_at"),
    "visibility": _as_it_is("visibility"),
    "description": _as_it_is("description"),
    "is_active": _as_it_is("is_active"),
    "state": PictureField(("rendering",), lambda row, page: row["rendering"]),
    "failure": PictureField(("rendering", "render_failure"), _failure),
    "clean_copy": PictureField(("clean_key", "clean_version"), _clean_copy),
    "thumbhash": _or_null("thumbhash"),
    "dominant_color": _or_null("dominant_color"),
    "thumbnails": PictureField(("id",), lambda row, page: page.thumbnails.get(row["id"], [])),
    "metadata": _as_it_is("metadata"),
}
LIST_FIELDS = ("id", "image")
DETAIL_FIELDS = ("id", "image", "description", "visibility", "thumbhash", "dominant_color")


@extend_schema_field({"type": "string"})
class FieldNames(serializers.Field[tuple[str, ...], Any, str, Any]):
    """Names of FIELDS, comma-separated, in the order of the table; `all` are all of them."""

    def __init__(self) -> None:
        names = ", ".join(f"`{name}`" for name in FIELDS)
        help_text = f"Which fields to return, comma-separated: {names}; `{_ALL}` are all of them."
        super().__init__(required=False, help_text=help_text)

    def to_internal_value(self, data: Any) -> tuple[str, ...]:
        names = set(str(data).split(","))
        if unknown := sorted(names - set(FIELDS) - {_ALL}):
            raise serializers.ValidationError(f"There is no field {unknown[0][:100]!r}.")
        return tuple(name for name in FIELDS if name in names or _ALL in names)

    def to_representation(self, value: tuple[str, ...]) -> str:
        return ",".join(value)


def columns_of(names: Iterable[str]) -> tuple[str, ...]:
    """Return the columns that a page of some fields reads; a page needs the first two anyway."""
    columns = {column for name in names for column in FIELDS[name].columns}
    return tuple({"id": None, "created_at": None, **dict.fromkeys(sorted(columns))})


def write_own_rows(
    rows: Iterable[dict[str, Any]], names: tuple[str, ...], *, owner: User, urls: ClientUrls
) -> list[dict[str, Any]]:
    """Write fields of an account's own pictures for it: at most one more query for the page."""
    rows = list(rows)
    page = _make_page(
        [row["id"] for row in rows],
        names,
        owner=owner,
        urls=urls,
        is_granted=grants_original(owner, owner),
    )
    writers = [(name, FIELDS[name].write) for name in names]
    return [{name: write(row, page) for name, write in writers} for row in rows]


def write_picture(
    picture: Picture, names: tuple[str, ...], *, viewer: User, urls: ClientUrls
) -> dict[str, Any]:
    """Write fields of a picture as a viewer who may see it gets it.

    The uploader's file name and the client's own object are null for whoever may not change it.
    """
    row = {column: getattr(picture, column) for column in columns_of(names)}
    original = _original_for(picture, viewer) if "image" in names else None
    if "image" in names:
        row["key"] = original.key if original else picture.key
        row["name"] = name_for(viewer, picture)
    page = _make_page(
        [picture.pk],
        names,
        owner=picture.owner,
        urls=urls,
        is_granted=original is not None,
    )
    written = {name: FIELDS[name].write(row, page) for name in names}
    if not may_change(viewer, picture):
        written |= {name: None for name in ("name", "metadata") if name in names}
    return written


def _original_for(picture: Picture, viewer: User) -> ServableFile | None:
    try:
        return original_for(viewer, picture)
    except (NotReady, NotRenderable):
        return None


def _make_page(
    picture_ids: list[int],
    names: tuple[str, ...],
    *,
    owner: User,
    urls: ClientUrls,
    is_granted: bool,
) -> Page:
    thumbnails: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    if "thumbnails" in names and picture_ids:
        granted = Thumbnail.objects.granted_to(owner).filter(picture__in=picture_ids)
        columns = ("id", "picture_id", "height_px", "width_px", *FILE_COLUMNS)
        for row in granted.order_by("height").values(*columns):
            thumbnails[row["picture_id"]].append(
                {
                    "id": row["id"],
                    "height": row["height_px"],
                    "width": row["width_px"],
                    "url": urls.thumbnail_url(row),
                }
            )
    return Page(urls, is_granted, thumbnails)
