"""What the pictures service takes and gives."""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import User
from api.fields import HyphenatedUuidField
from api.openapi.examples import ACCOUNT_ID, FILE_NAME, FILE_URL, PICTURE_ID, example
from delivery.access import grants_original
from images.access import may_act_for
from images.models import Picture
from images.permissions import PicturePermission
from images.signed_urls import UrlSigner

_SOCKET_ID_HELP = "The `id` of a socket.io socket, which then shows this session's pictures."
_MAX_NAME_LENGTH = 1000
_UUID_OR_NOTHING = "^([0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})?$"
# What `serialize_picture_rows` reads of a picture.
_PICTURE = {
    "id": PICTURE_ID,
    "is_active": False,
    "path": FILE_NAME,
    "createdAt": "2025-11-29T10:15:30.123Z",
    "updatedAt": "2025-11-29T10:15:30.123Z",
    "user_id": ACCOUNT_ID,
    "url": FILE_URL,
}
PICTURE_FIELDS = ("id", "is_active", "key", "name", "created_at", "updated_at", "owner_id")


@extend_schema_field({"type": "string", "pattern": _UUID_OR_NOTHING})
class OptionalUser(HyphenatedUuidField):
    """An account's UUID; a form's empty field counts as none."""


@extend_schema_field({"type": "string"})
class SocketId(serializers.Field[str, Any, str, Any]):
    """A client's `socket.id`; whatever stands here never fails a write."""

    def __init__(self) -> None:
        super().__init__(required=False, allow_null=True, help_text=_SOCKET_ID_HELP)

    def to_internal_value(self, data: Any) -> str:
        return data if isinstance(data, str) else ""

    def to_representation(self, value: str) -> str:
        return value


@example({"socketId": "Zm9vYmFyYmF6cXV4AAAB"})
class PicturesSocket(serializers.Serializer[None]):
    """The socket that is to show this session's pictures from now on."""

    socketId = SocketId()


@example({"file": "(the bytes of hill.jpg)"}, media_type="multipart/form-data")
class PicturesUpload(serializers.Serializer[None]):
    """A picture as a file of a form; `userId` is for staff, who upload for others."""

    file = serializers.FileField(allow_empty_file=True)
    userId = OptionalUser(required=False)
    socketId = SocketId()


@example({"customName": "alice"})
class PicturesDefault(serializers.Serializer[None]):
    """How the copy is to be called: only the last part counts, and only its plain letters."""

    customName = serializers.CharField(
        required=False, allow_blank=True, max_length=_MAX_NAME_LENGTH
    )
    socketId = SocketId()


@example(_PICTURE)
class PicturesPicture(serializers.Serializer[None]):
    """A picture: its file is at `/images/users/{user_id}/{path}`."""

    id = serializers.IntegerField()
    is_active = serializers.BooleanField()
    path = serializers.CharField()
    createdAt = serializers.DateTimeField()
    updatedAt = serializers.DateTimeField()
    user_id = serializers.UUIDField()
    url = serializers.URLField(
        allow_null=True,
        help_text="Opens in a bare browser for half an hour to an hour: the upload, where the "
        "owner's tier grants it, without its metadata for others; else the best thumbnail. Null "
        "for a token that may change pictures and not read them.",
    )


@example({"message": "Imagen eliminada correctamente"})
class PicturesMessage(serializers.Serializer[None]):
    """What was done, or what was not found."""

    message = serializers.CharField()


@example({"message": "Imagen creada correctamente", "picture": _PICTURE})
class PicturesDone(serializers.Serializer[None]):
    """What was done, and the picture as it is now."""

    message = serializers.CharField()
    picture = PicturesPicture()


class PicturesError(serializers.Serializer[None]):
    """Why not."""

    error = serializers.CharField()


class PicturesDefaultError(PicturesError):
    """Why an account gets no default picture: the same text twice, for clients of either name."""

    message = serializers.CharField()


def serialize_picture_rows(
    rows: Iterable[dict[str, Any]], *, viewer: User | None, signer: UrlSigner
) -> list[dict[str, Any]]:
    """Write a `PicturesPicture` of each row with PICTURE_FIELDS: lists make no model instances.

    Moments are in UTC to the millisecond, as the contract's own clients write them.
    """
    # One answer for all rows of an account.
    gets_upload = cache(partial(_gets_upload, viewer))
    return [
        {
            "id": row["id"],
            "is_active": row["is_active"],
            "path": row["key"].rsplit("/", 1)[-1],
            "createdAt": _moment(row["created_at"]),
            "updatedAt": _moment(row["updated_at"]),
            "user_id": str(row["owner_id"]),
            # Without asking for the owner: its tier counts when the URL is opened.
            "url": signer.file_url(row["key"], row["name"])
            if gets_upload(row["owner_id"])
            else signer.picture_url(row["key"]),
        }
        for row in rows
    ]


def serialize_picture(picture: Picture, *, viewer: User | None, base: str) -> dict[str, Any]:
    """Write a `PicturesPicture`."""
    row = {name: getattr(picture, name) for name in PICTURE_FIELDS}
    [written] = serialize_picture_rows([row], viewer=viewer, signer=UrlSigner(base))
    return written


def _gets_upload(viewer: User | None, owner_id: UUID) -> bool:
    if viewer is None:
        return False
    if viewer.pk == owner_id:
        return grants_original(viewer, viewer)
    return may_act_for(viewer, owner_id, PicturePermission.CHANGE)


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[: -len("+00:00")] + "Z"
