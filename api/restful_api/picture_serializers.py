"""What the image RESTful API takes and gives of pictures, beyond the original contract."""

import unicodedata
from typing import Any, cast

from django.db.models import Q
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.fields import empty

from accounts.models import User
from api.fields import DigitsField, TrueOrFalseField
from api.openapi.examples import (
    FILE_URL,
    PICTURE_ID,
    PICTURE_UID,
    THUMBNAIL_URL,
    example,
)
from api.own_lists import own_pictures
from api.pagination import Rows
from api.parsers import parse_json
from api.restful_api.picture_fields import FieldNames
from images.client_metadata import validate_metadata
from images.file_names import MAX_NAME_LENGTH
from images.formats.registry import FORMATS
from images.models import MAX_THUMBHASH_LENGTH, Picture, PictureQuerySet

MAX_IDS = 1000
_MAX_ID = 2**63 - 1
_MAX_SEARCH_LENGTH = 200
_SHA256 = "^[0-9a-fA-F]{64}$"
_STATES = [state.value for state in Picture.Rendering]
_NEWEST, _OLDEST = "-created_at", "created_at"
_CREATED = "2025-11-29T10:15:30.123456Z"


class RestfulPictureThumbnail(serializers.Serializer[None]):
    """A thumbnail beside its picture, in pixels."""

    id = serializers.IntegerField()
    height = serializers.IntegerField()
    width = serializers.IntegerField()
    url = serializers.URLField()


@example(
    {
        "id": PICTURE_ID,
        "uid": PICTURE_UID,
        "image": FILE_URL,
        "name": "hill.jpg",
        "width": 4032,
        "height": 3024,
        "bytes": 3_481_210,
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "format": "JPEG",
        "frames": 1,
        "created_at": _CREATED,
        "updated_at": _CREATED,
        "visibility": "private",
        "description": "A hill at dawn",
        "is_active": False,
        "state": "ready",
        "failure": None,
        "clean_copy": "ready",
        "thumbhash": "1QcSHQRnh493V4dIh4eXh1h4kJUI",
        "dominant_color": "#7a8b99",
        "thumbnails": [{"id": 7, "height": 200, "width": 267, "url": THUMBNAIL_URL}],
        "metadata": {"album": "hills"},
    }
)
class RestfulPictureFacts(serializers.Serializer[None]):
    """The fields of a picture that were asked for; without `fields`, what the operation says."""

    id = serializers.IntegerField(required=False)
    uid = serializers.UUIDField(required=False)
    image = serializers.CharField(
        required=False,
        help_text="Its address where the tier grants originals, else its file name.",
    )
    name = serializers.CharField(
        required=False,
        allow_null=True,
        allow_blank=True,
        max_length=MAX_NAME_LENGTH,
        help_text="The uploader's file name, empty where none came; null for staff who may see the "
        "picture and not change it.",
    )
    width = serializers.IntegerField(required=False, help_text="In pixels, as it is shown.")
    height = serializers.IntegerField(required=False, help_text="In pixels, as it is shown.")
    bytes = serializers.IntegerField(required=False, help_text="Of the original as uploaded.")
    sha256 = serializers.CharField(required=False, help_text="Of the original as uploaded.")
    format = serializers.ChoiceField(required=False, choices=list(FORMATS))
    frames = serializers.IntegerField(required=False)
    created_at = serializers.DateTimeField(required=False)
    updated_at = serializers.DateTimeField(required=False)
    visibility = serializers.ChoiceField(required=False, choices=Picture.Visibility.choices)
    description = serializers.CharField(required=False, allow_blank=True)
    is_active = serializers.BooleanField(required=False)
    state = serializers.ChoiceField(required=False, choices=_STATES, help_text="Of its thumbnails.")
    failure = serializers.CharField(
        required=False, allow_null=True, help_text="Why its thumbnails cannot be rendered."
    )
    clean_copy = serializers.RegexField(
        "^(ready|rendition)$",
        required=False,
        allow_null=True,
        help_text="What recipients get where the tier grants originals: `ready`, the original "
        "without metadata; `rendition`, the picture as JPEG (an animation as its largest "
        "thumbnail), since its metadata cannot be removed; null until it was first asked for.",
    )
    thumbhash = serializers.CharField(
        required=False,
        allow_null=True,
        max_length=MAX_THUMBHASH_LENGTH,
        help_text="A ThumbHash in base64, to show until the picture is loaded; null until its "
        "thumbnails are there.",
    )
    dominant_color = serializers.RegexField(
        "^#[0-9a-f]{6}$",
        required=False,
        allow_null=True,
        help_text="The colour that most of it has, as CSS writes it; null as long.",
    )
    thumbnails = RestfulPictureThumbnail(many=True, required=False, help_text="Smallest first.")
    metadata = serializers.DictField(
        required=False,
        allow_null=True,
        help_text="The client's own object; null for staff who may see the picture and not "
        "change it.",
    )


class RestfulFieldsQuery(serializers.Serializer[None]):
    """Which fields to return."""

    fields = FieldNames()  # type: ignore[assignment]  # the wire's


class _FormatName(serializers.ChoiceField):
    """A format, in either case."""

    def to_internal_value(self, data: Any) -> Any:
        return super().to_internal_value(str(data).upper())


class RestfulPictureQuery(serializers.Serializer[None]):
    """Which of one's pictures to list, in which order, with which fields."""

    fields = FieldNames()  # type: ignore[assignment]  # the wire's
    state = serializers.ChoiceField(
        required=False, choices=_STATES, help_text="Of their thumbnails."
    )
    visibility = serializers.ChoiceField(
        required=False, choices=Picture.Visibility.choices, help_text="Who else may see them."
    )
    format = _FormatName(
        required=False, choices=list(FORMATS), help_text="Of the originals, in either case."
    )
    is_active = TrueOrFalseField(
        required=False, help_text="Whether they stand for the account: one at most does."
    )
    sha256 = serializers.RegexField(
        _SHA256, required=False, help_text="Of the original, in hexadecimal."
    )
    created_after = serializers.DateTimeField(required=False, help_text="Later than this moment.")
    created_before = serializers.DateTimeField(
        required=False, help_text="Earlier than this moment."
    )
    q = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=_MAX_SEARCH_LENGTH,
        help_text="Words, each of which stands somewhere in the name or the description, in any "
        "case.",
    )
    order = serializers.ChoiceField(
        required=False,
        choices=[_NEWEST, _OLDEST],
        default=_NEWEST,
        help_text="The newest or the oldest first.",
    )


# Each filter that compares one column.
_COMPARISONS = {
    "state": "rendering",
    "visibility": "visibility",
    "format": "format",
    "is_active": "is_active",
    "created_after": "created_at__gt",
    "created_before": "created_at__lt",
}
_FILTERS = frozenset({*_COMPARISONS, "sha256", "q"})


def choose_pictures(owner: User, query: dict[str, Any]) -> Rows:
    """Return an account's pictures that a valid `RestfulPictureQuery` chooses, not ordered."""
    if _FILTERS.isdisjoint(query):
        return own_pictures.of(owner.pk)
    return filter_pictures(Picture.objects.owned_by(owner), query)


def filter_pictures(pictures: PictureQuerySet, query: dict[str, Any]) -> PictureQuerySet:
    compared = {_COMPARISONS[name]: query[name] for name in _COMPARISONS if name in query}
    if "sha256" in query:
        compared["sha256"] = query["sha256"].lower()
    pictures = pictures.filter(**compared)
    for word in unicodedata.normalize("NFC", query.get("q", "")).split():
        pictures = pictures.filter(Q(name__icontains=word) | Q(description__icontains=word))
    return pictures


def is_oldest_first(query: dict[str, Any]) -> bool:
    """Return whether a valid `RestfulPictureQuery` asks for the oldest pictures first."""
    return bool(query["order"] == _OLDEST)


class _Ids(serializers.ListField):
    """Ids of pictures, each counted once."""

    def __init__(self, **options: Any) -> None:
        child = DigitsField(min_value=0, max_value=_MAX_ID)
        super().__init__(child=child, allow_empty=False, max_length=MAX_IDS, **options)

    def run_validation(self, data: Any = empty) -> Any:
        return list(dict.fromkeys(super().run_validation(data)))


@example({"ids": [PICTURE_ID, 43]})
class RestfulIds(serializers.Serializer[None]):
    """Which pictures."""

    ids = _Ids()


@example({"ids": [PICTURE_ID, 43], "visibility": "members"})
class RestfulChanges(RestfulIds):
    """Which pictures, and what to change of all of them; what is left out stays."""

    visibility = serializers.ChoiceField(required=False, choices=Picture.Visibility.choices)


@example({"changed": [PICTURE_ID], "not_found": [43]})
class RestfulChanged(serializers.Serializer[None]):
    """Which pictures are now as asked, and which are not there."""

    changed = serializers.ListField(child=serializers.IntegerField())
    not_found = serializers.ListField(child=serializers.IntegerField())


@example({"deleted": [PICTURE_ID], "not_found": [43], "bytes": 3_561_930, "files": 4, "links": 1})
class RestfulDeletionReceipt(serializers.Serializer[None]):
    """What was deleted: pictures and links by number, files and bytes that leave the storage."""

    deleted = serializers.ListField(child=serializers.IntegerField())
    not_found = serializers.ListField(child=serializers.IntegerField())
    bytes = serializers.IntegerField()
    files = serializers.IntegerField()
    links = serializers.IntegerField()


class RestfulThumbnailQuery(serializers.Serializer[None]):
    """Of which picture."""

    image_id = DigitsField(
        required=False, min_value=0, max_value=_MAX_ID, help_text="Those of one picture alone."
    )


@extend_schema_field({"type": "string", "pattern": "^[0-9]+(,[0-9]+)*$"})
class _IdList(serializers.Field[list[int], Any, str, Any]):
    """Ids in a query, separated by commas, each counted once."""

    def to_internal_value(self, data: Any) -> list[int]:
        read = DigitsField(min_value=0, max_value=_MAX_ID).run_validation
        ids = list(dict.fromkeys(read(text) for text in str(data).split(",")))
        if len(ids) > MAX_IDS:
            raise serializers.ValidationError(f"At most {MAX_IDS} ids.")
        return ids

    def to_representation(self, value: list[int]) -> str:
        return ",".join(map(str, value))


class RestfulArchiveQuery(serializers.Serializer[None]):
    """Which pictures to put into an archive."""

    ids = _IdList(
        required=False,
        help_text=f"Ids of at most {MAX_IDS:,} pictures, comma-separated; all of one's own "
        "without it.",
    )


@extend_schema_field({"type": "object", "additionalProperties": {}})
class ClientObject(serializers.Field[dict[str, Any], Any, Any, Any]):
    """A JSON object of the client's own; the domain says which."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        validate_metadata(data)
        return cast("dict[str, Any]", data)

    def to_representation(self, value: dict[str, Any]) -> dict[str, Any]:
        return value


@extend_schema_field({"type": "string"})
class ClientObjectText(ClientObject):
    """The same as text in a field of a form."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        try:
            value = parse_json(str(data).encode(), "application/json; charset=utf-8")
        except ParseError:
            raise serializers.ValidationError("This is not a JSON object.") from None
        return super().to_internal_value(value)
