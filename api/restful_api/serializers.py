"""What the image RESTful API takes and gives."""

import inspect
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerExtension
from rest_framework import serializers

from accounts.models import User
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
from delivery.access import original_key
from images.exceptions import StrippingFailed
from images.models import MAX_DESCRIPTION_LENGTH, MAX_THUMBHASH_LENGTH, Picture
from images.signed_urls import signed_url
from tiers.models import DEFAULT_LINK_SECONDS, MAX_LINK_SECONDS

_MAX_PASSWORD_LENGTH = 1024
# What `serialize_picture_row` and `serialize_thumbnail_row` read.
PICTURE_FIELDS = ("id", "key", "created_at")
THUMBNAIL_FIELDS = ("id", "picture_id", "height", "key", "created_at")


@example({"username": LOGIN, "password": PASSWORD})
class RestfulSignIn(serializers.Serializer[None]):
    """A login and its password."""

    username = serializers.CharField(max_length=254)
    password = serializers.CharField(
        max_length=_MAX_PASSWORD_LENGTH, trim_whitespace=False, style={"input_type": "password"}
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


@example({"image": "(the bytes of hill.jpg)"}, media_type="multipart/form-data")
class RestfulUpload(serializers.Serializer[None]):
    """A picture as a file of a form."""

    image = serializers.FileField(allow_empty_file=True)


@example({"id": PICTURE_ID, "image": FILE_URL})
class RestfulPicture(serializers.Serializer[None]):
    """A picture: `image` is its address where the tier grants originals, else its file name."""

    id = serializers.IntegerField()
    image = serializers.CharField()


@example({"description": "A hill at dawn", "visibility": "members"})
class RestfulChange(serializers.Serializer[None]):
    """What an owner may change of a picture; what is left out stays."""

    description = serializers.CharField(
        required=False, allow_blank=True, trim_whitespace=False, max_length=MAX_DESCRIPTION_LENGTH
    )
    visibility = serializers.ChoiceField(required=False, choices=Picture.Visibility.choices)


@example(
    {
        "id": PICTURE_ID,
        "image": FILE_URL,
        "description": "A hill at dawn",
        "visibility": "private",
        "thumbhash": "1QcSHQRnh493V4dIh4eXh1h4kJUI",
        "dominant_color": "#7a8b99",
    }
)
class RestfulPictureDetails(RestfulPicture):
    """A picture with what its owner says of it, and who may see it."""

    description = serializers.CharField(allow_blank=True)
    visibility = serializers.ChoiceField(choices=Picture.Visibility.choices)
    thumbhash = serializers.CharField(
        allow_null=True,
        max_length=MAX_THUMBHASH_LENGTH,
        help_text="A ThumbHash in base64, to show until the picture is loaded; null until its "
        "thumbnails are there.",
    )
    dominant_color = serializers.RegexField(
        "^#[0-9a-f]{6}$",
        allow_null=True,
        help_text="The colour that most of it has, as CSS writes it; null as long.",
    )


@example({"id": 7, "image_id": PICTURE_ID, "height": 200, "thumbnail": THUMBNAIL_URL})
class RestfulThumbnail(serializers.Serializer[None]):
    """A thumbnail: `height` as the tier names it, `thumbnail` its address."""

    id = serializers.IntegerField()
    image_id = serializers.IntegerField()
    height = serializers.IntegerField()
    thumbnail = serializers.URLField()


class RestfulLinkQuery(serializers.Serializer[None]):
    """For how many seconds a link is to live; the tier sets the bounds."""

    time = DigitsField(
        min_value=1,
        max_value=MAX_LINK_SECONDS,
        help_text="For how many seconds the link lives: from {} to {} unless the account's tier "
        "says otherwise.".format(*DEFAULT_LINK_SECONDS),
    )


@example({"url": "http://localhost:8000/l/7.tbnk3s.q6m3k1XhT0Qd2b8Jb1l0Vw", "expires_in": 3600})
class RestfulLink(serializers.Serializer[None]):
    """An expiring link."""

    url = serializers.URLField()
    expires_in = serializers.IntegerField()


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


def serialize_picture_row(row: dict[str, Any], *, base: str, original: bool) -> dict[str, Any]:
    """Write a `RestfulPicture` of a row with PICTURE_FIELDS: lists make no model instances.

    Without the grant of the original, `image` is a name from which no address can be made.
    """
    key: str = row["key"]
    image = signed_url(key, base) if original else key.rsplit("/", 1)[-1]
    return {"id": row["id"], "image": image}


def serialize_picture(picture: Picture, *, viewer: User, base: str) -> dict[str, Any]:
    """Write a `RestfulPicture` as the viewer gets it."""
    try:
        key = original_key(viewer, picture)
    except StrippingFailed:
        key = None
    row = {"id": picture.pk, "key": key or picture.key}
    return serialize_picture_row(row, base=base, original=key is not None)


def serialize_details(picture: Picture, *, viewer: User, base: str) -> dict[str, Any]:
    """Write a `RestfulPictureDetails` as the viewer gets it."""
    return {
        **serialize_picture(picture, viewer=viewer, base=base),
        "description": picture.description,
        "visibility": picture.visibility,
        "thumbhash": picture.thumbhash or None,
        "dominant_color": picture.dominant_color or None,
    }


def serialize_thumbnail_row(row: dict[str, Any], *, base: str) -> dict[str, Any]:
    """Write a `RestfulThumbnail` of a row with THUMBNAIL_FIELDS."""
    return {
        "id": row["id"],
        "image_id": row["picture_id"],
        "height": row["height"],
        "thumbnail": signed_url(row["key"], base),
    }
