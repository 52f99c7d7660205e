"""What the images API takes and gives."""

from datetime import UTC, datetime
from typing import Any

from rest_framework import serializers

from accounts.models import User
from accounts.passwords import MAX_PASSWORD_LENGTH
from api.long_texts import LongTextField
from api.openapi.examples import (
    ACCOUNT_ID,
    BASE64_PICTURE,
    JWT,
    LOGIN,
    PASSWORD,
    PICTURE_UID,
    example,
)
from images.models import MAX_DESCRIPTION_LENGTH, Picture

# What `serialize_image` reads of a picture.
IMAGE_FIELDS = ("id", "uid", "description", "created_at")
# Of a moment as the contract writes it, without its offset.
_DATE_LENGTH = len("2025-11-29 10:15:30.123456")


@example({"login": LOGIN, "email": "alice@example.org", "password": PASSWORD})
class ImagesApiRegistration(serializers.Serializer[None]):
    """A new account."""

    login = serializers.CharField(min_length=3, max_length=64)
    email = serializers.EmailField(max_length=254)
    password = serializers.CharField(max_length=MAX_PASSWORD_LENGTH, trim_whitespace=False)
    invitation = serializers.CharField(
        required=False, allow_blank=True, max_length=100, help_text="Where sign-up is not for all."
    )


@example(
    {
        "createTime": "2025-11-29T10:15:30.123456+00:00",
        "email": "alice@example.org",
        "id": ACCOUNT_ID,
        "login": LOGIN,
    }
)
class ImagesApiAccount(serializers.Serializer[None]):
    """An account that was just made."""

    createTime = serializers.DateTimeField()
    email = serializers.EmailField()
    id = serializers.UUIDField()
    login = serializers.CharField()


@example({"login": LOGIN, "password": PASSWORD})
class ImagesApiSignIn(serializers.Serializer[None]):
    """A login and its password."""

    login = serializers.CharField(max_length=254)
    password = serializers.CharField(max_length=MAX_PASSWORD_LENGTH, trim_whitespace=False)


@example({"Authorization": JWT})
class ImagesApiToken(serializers.Serializer[None]):
    """A JWT, to be sent as it is in the header of the same name."""

    Authorization = serializers.CharField()


@example({"data": BASE64_PICTURE, "description": "A hill at dawn"})
class ImagesApiUpload(serializers.Serializer[None]):
    """A picture in base64; a data URI is taken too."""

    data = LongTextField()  # type: ignore[assignment]  # the wire's
    description = serializers.CharField(
        max_length=MAX_DESCRIPTION_LENGTH, required=False, allow_blank=True, default=""
    )


@example(
    {
        "id": PICTURE_UID,
        "login": LOGIN,
        "source": f"/api/images/{PICTURE_UID}",
        "upload_date": "2025-11-29 10:15:30.123456+00:00",
    }
)
class ImagesApiUploaded(serializers.Serializer[None]):
    """A picture that was just stored."""

    id = serializers.UUIDField()
    login = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]  # the wire's
    upload_date = serializers.CharField()


class ImagesApiImage(serializers.Serializer[None]):
    """A picture of one's page."""

    description = serializers.CharField(allow_blank=True)
    id = serializers.UUIDField()
    source = serializers.CharField()  # type: ignore[assignment]  # the wire's
    upload_date = serializers.CharField()


@example(
    {
        "id": ACCOUNT_ID,
        "images": [
            {
                "description": "A hill at dawn",
                "id": PICTURE_UID,
                "source": f"/api/images/{PICTURE_UID}",
                "upload_date": "2025-11-29 10:15:30.123456",
            }
        ],
        "login": LOGIN,
    }
)
class ImagesApiMe(serializers.Serializer[None]):
    """One's page."""

    id = serializers.UUIDField()
    images = ImagesApiImage(many=True)
    login = serializers.CharField()


class ImagesApiError(serializers.Serializer[None]):
    """What went wrong."""

    message = serializers.CharField()
    status_code = serializers.IntegerField()


def serialize_account(user: User) -> dict[str, str]:
    """Write an `ImagesApiAccount`."""
    return {
        "createTime": user.date_joined.isoformat(timespec="microseconds"),
        "email": user.email,
        "id": str(user.pk),
        "login": user.username,
    }


def serialize_uploaded(picture: Picture, owner: User) -> dict[str, str]:
    """Write an `ImagesApiUploaded`."""
    return {
        "id": str(picture.uid),
        "login": owner.username,
        "source": f"/api/images/{picture.uid}",
        "upload_date": f"{_date(picture.created_at)}+00:00",
    }


def serialize_me(user: User, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Write an `ImagesApiMe` of the rows of a page."""
    return {
        "id": str(user.pk),
        "images": [serialize_image(row) for row in rows],
        "login": user.username,
    }


def serialize_image(row: dict[str, Any]) -> dict[str, str]:
    """Write an `ImagesApiImage` of a row with IMAGE_FIELDS."""
    uid = str(row["uid"])
    return {
        "description": row["description"],
        "id": uid,
        "source": f"/api/images/{uid}",
        "upload_date": _date(row["created_at"]),
    }


def _date(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(" ", "microseconds")[:_DATE_LENGTH]
