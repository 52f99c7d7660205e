"""What the image RESTful API takes and gives."""

import inspect
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerExtension
from rest_framework import serializers

from accounts.passwords import MAX_PASSWORD_LENGTH
from api.fields import DigitsField, HyphenatedUuidField
from api.openapi.examples import (
    ACCOUNT_ID,
    FILE_NAME,
    FILE_URL,
    LOGIN,
    PASSWORD,
    PICTURE_ID,
    PICTURE_UID,
    THUMBNAIL_URL,
    example,
)
from api.pagination import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE
from api.restful_api.picture_serializers import ClientObject, ClientObjectText
from delivery.client_urls import FILE_COLUMNS, ClientUrls
from images.client_metadata import MAX_METADATA_BYTES
from images.file_names import MAX_NAME_LENGTH
from images.models import MAX_DESCRIPTION_LENGTH, Picture

_METADATA_HELP = (
    f"A JSON object of your own, of at most {MAX_METADATA_BYTES:,} bytes; it is kept as it is."
)
# What `serialize_thumbnail_row` reads.
THUMBNAIL_FIELDS = ("id", "picture_id", "height", "created_at", *FILE_COLUMNS)


@example({"username": LOGIN, "password": PASSWORD})
class RestfulSignIn(serializers.Serializer[None]):
    """A login and its password."""

    username = serializers.CharField(max_length=254)
    password = serializers.CharField(
        max_length=MAX_PASSWORD_LENGTH, trim_whitespace=False, style={"input_type": "password"}
    )


@example({"username": LOGIN, "password": PASSWORD})
class RestfulJwtSignIn(RestfulSignIn):
    """A login, its password, and a code of the second factor."""

    otp = serializers.CharField(
        max_length=40,
        required=False,
        allow_blank=True,
        help_text="Of the account's app, or a recovery code; good once.",
    )


@example({"success": True})
class RestfulSuccess(serializers.Serializer[None]):
    """That it worked."""

    success = serializers.BooleanField()


@example({"token": "1f0e6a1c9b7d4e53a2c8f0d1b3e5a7c9"})
class RestfulToken(serializers.Serializer[None]):
    """An API token."""

    token = serializers.CharField()


class RestfulDetail(serializers.Serializer[None]):
    """Why not."""

    detail = serializers.CharField()


class RestfulFieldErrors(serializers.Serializer[None]):
    """Why not, field by field."""


class FieldErrorsSchema(OpenApiSerializerExtension):
    """The names of the fields are the request's own."""

    target_class = RestfulFieldErrors

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        messages = {"type": "array", "items": {"type": "string"}}
        return {
            "type": "object",
            "description": inspect.getdoc(RestfulFieldErrors),
            "additionalProperties": messages,
        }


@example(
    {"image": "(the bytes of hill.jpg)", "metadata": '{"album": "hills"}'},
    media_type="multipart/form-data",
)
class RestfulUpload(serializers.Serializer[None]):
    """A picture as a file of a form."""

    image = serializers.FileField(allow_empty_file=True)
    metadata = ClientObjectText(required=False, help_text=_METADATA_HELP)


@example({"id": PICTURE_ID, "image": FILE_URL})
class RestfulPicture(serializers.Serializer[None]):
    """A picture: `image` is its address where the tier grants originals, else its file name."""

    id = serializers.IntegerField()
    image = serializers.CharField()


@example(
    {
        "description": "A hill at dawn",
        "visibility": "members",
        "name": "hill.jpg",
        "metadata": {"album": "hills"},
    }
)
class RestfulChange(serializers.Serializer[None]):
    """What an owner may change of a picture; what is left out stays."""

    description = serializers.CharField(
        required=False, allow_blank=True, trim_whitespace=False, max_length=MAX_DESCRIPTION_LENGTH
    )
    visibility = serializers.ChoiceField(required=False, choices=Picture.Visibility.choices)
    name = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=MAX_NAME_LENGTH,
        help_text="A file name without a path.",
    )
    metadata = ClientObject(required=False, help_text=_METADATA_HELP)


@example({"id": 7, "image_id": PICTURE_ID, "height": 200, "thumbnail": THUMBNAIL_URL})
class RestfulThumbnail(serializers.Serializer[None]):
    """A thumbnail: `height` as the tier names it, `thumbnail` its address."""

    id = serializers.IntegerField()
    image_id = serializers.IntegerField()
    height = serializers.IntegerField()
    thumbnail = serializers.URLField()


class RestfulEventsQuery(serializers.Serializer[None]):
    """From where on, how many, and whose."""

    since = DigitsField(
        required=False, min_value=0, max_value=10**18, help_text="The last id you have."
    )
    limit = DigitsField(
        default=DEFAULT_PAGE_SIZE,
        min_value=1,
        max_value=MAX_PAGE_SIZE,
        help_text="Events of a page, at most.",
    )
    user = HyphenatedUuidField(required=False, help_text="Another account: for staff.")


class RestfulEventPicture(serializers.Serializer[None]):
    """A picture at the moment of an event."""

    id = serializers.IntegerField()
    uid = serializers.UUIDField()
    file_name = serializers.CharField()
    is_active = serializers.BooleanField()
    visibility = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    format = serializers.CharField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    thumbnails = serializers.CharField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


@example(
    {
        "id": 1207,
        "type": "picture.created",
        "at": "2025-11-29T10:15:30.123456Z",
        "user_id": ACCOUNT_ID,
        "picture": {
            "id": PICTURE_ID,
            "uid": PICTURE_UID,
            "file_name": FILE_NAME,
            "is_active": False,
            "visibility": "private",
            "description": "",
            "format": "JPEG",
            "width": 4032,
            "height": 3024,
            "thumbnails": "pending",
            "created_at": "2025-11-29T10:15:30.123456Z",
            "updated_at": "2025-11-29T10:15:30.123456Z",
        },
    }
)
class RestfulEvent(serializers.Serializer[None]):
    """Something that happened to an account's pictures."""

    id = serializers.IntegerField()
    type = serializers.CharField()
    at = serializers.DateTimeField()
    user_id = serializers.UUIDField()
    picture = RestfulEventPicture(required=False)
    link_id = serializers.IntegerField(
        required=False, help_text="Of `link.opened`, which tells of a link's first opening."
    )


def serialize_thumbnail_row(row: dict[str, Any], *, urls: ClientUrls) -> dict[str, Any]:
    """Write a `RestfulThumbnail` of a row with THUMBNAIL_FIELDS."""
    return {
        "id": row["id"],
        "image_id": row["picture_id"],
        "height": row["height"],
        "thumbnail": urls.thumbnail_url(row),
    }
