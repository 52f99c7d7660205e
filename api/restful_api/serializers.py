"""What the image RESTful API takes and gives."""

from typing import Any

from rest_framework import serializers

from accounts.models import User
from api.fields import DigitsField, HyphenatedUuidField
from api.pagination import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE
from delivery.access import grants_original
from images.models import MAX_DESCRIPTION_LENGTH, MAX_THUMBHASH_LENGTH, Picture
from images.signed_urls import signed_url
from tiers.models import MAX_LINK_SECONDS

_MAX_PASSWORD_LENGTH = 1024
# What `serialize_picture_row` and `serialize_thumbnail_row` read.
PICTURE_FIELDS = ("id", "key", "created_at")
THUMBNAIL_FIELDS = ("id", "picture_id", "height", "key", "created_at")


class RestfulSignIn(serializers.Serializer[None]):
    """A login and its password."""

    username = serializers.CharField(max_length=254)
    password = serializers.CharField(
        max_length=_MAX_PASSWORD_LENGTH, trim_whitespace=False, style={"input_type": "password"}
    )


class RestfulSuccess(serializers.Serializer[None]):
    """That it worked."""

    success = serializers.BooleanField()


class RestfulToken(serializers.Serializer[None]):
    """An API token."""

    token = serializers.CharField()


class RestfulDetail(serializers.Serializer[None]):
    """Why not."""

    detail = serializers.CharField()


class RestfulUpload(serializers.Serializer[None]):
    """A picture as a file of a form."""

    image = serializers.FileField(allow_empty_file=True)


class RestfulPicture(serializers.Serializer[None]):
    """A picture: `image` is its address where the tier grants originals, else its file name."""

    id = serializers.IntegerField()
    image = serializers.CharField()


class RestfulChange(serializers.Serializer[None]):
    """What an owner may change of a picture; what is left out stays."""

    description = serializers.CharField(
        required=False, allow_blank=True, trim_whitespace=False, max_length=MAX_DESCRIPTION_LENGTH
    )
    visibility = serializers.ChoiceField(required=False, choices=Picture.Visibility.choices)


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


class RestfulThumbnail(serializers.Serializer[None]):
    """A thumbnail: `height` as the tier names it, `thumbnail` its address."""

    id = serializers.IntegerField()
    image_id = serializers.IntegerField()
    height = serializers.IntegerField()
    thumbnail = serializers.URLField()


class RestfulLinkQuery(serializers.Serializer[None]):
    """For how many seconds a link is to live; the tier sets the bounds."""

    time = DigitsField(min_value=1, max_value=MAX_LINK_SECONDS)


class RestfulLink(serializers.Serializer[None]):
    """An expiring link."""

    url = serializers.URLField()
    expires_in = serializers.IntegerField()


class RestfulEventsQuery(serializers.Serializer[None]):
    """From where on, how many, and whose."""

    since = DigitsField(
        required=False, min_value=0, max_value=10**18, help_text="The last id you have."
    )
    limit = DigitsField(default=DEFAULT_PAGE_SIZE, min_value=1, max_value=MAX_PAGE_SIZE)
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
    row = {"id": picture.pk, "key": picture.key}
    original = grants_original(viewer, picture.owner)
    return serialize_picture_row(row, base=base, original=original)


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
