"""What the image RESTful API takes and gives of expiring links."""

from typing import Any

from django.urls import reverse
from rest_framework import serializers

from accounts.passwords import MAX_PASSWORD_LENGTH
from api.fields import DigitsField, TrueOrFalseField
from api.openapi.examples import PICTURE_ID, example
from images.links import LinkToken, write_token
from images.models import MAX_CACHE_SECONDS, MAX_NOTE_LENGTH
from tiers.models import DEFAULT_LINK_SECONDS, MAX_LINK_SECONDS

_MAX_OPENS = 1_000_000
_MAX_ID = 10**18 - 1
_URL = "http://localhost:8000/l/7.q6m3k1XhT0Qd2b8Jb1l0Vw"
_TIME = (
    "For how many seconds the link lives{}: from {} to {} unless the account's tier says otherwise."
)
# What `serialize_link_row` reads.
LINK_FIELDS = (
    "id", "picture_id", "created_at", "expires_at", "revoked_at", "max_opens", "opened",
    "last_opened_at", "password", "note", "cache_seconds", "opens_now",
)  # fmt: skip


class RestfulLinkQuery(serializers.Serializer[None]):
    """For how many seconds a link is to live; the tier sets the bounds."""

    time = DigitsField(
        min_value=1,
        max_value=MAX_LINK_SECONDS,
        help_text=_TIME.format("", *DEFAULT_LINK_SECONDS),
    )


@example({"url": _URL, "expires_in": 3600})
class RestfulLink(serializers.Serializer[None]):
    """An expiring link."""

    url = serializers.URLField()
    expires_in = serializers.IntegerField()


class RestfulLinksQuery(serializers.Serializer[None]):
    """Which links."""

    image_id = DigitsField(
        required=False, min_value=0, max_value=_MAX_ID, help_text="Those to one picture."
    )
    live = TrueOrFalseField(
        required=False, help_text="Those that open at this moment, or those that do not."
    )


class _NoteField(serializers.CharField):
    def __init__(self, **options: Any) -> None:
        super().__init__(
            required=False,
            allow_blank=True,
            max_length=MAX_NOTE_LENGTH,
            help_text="For yourself: whoever opens the link does not see it.",
            **options,
        )


@example(
    {
        "image_id": PICTURE_ID,
        "expires_in": 3600,
        "max_opens": 1,
        "password": "the name of our boat",
        "note": "for Ana",
    }
)
class RestfulLinkRequest(serializers.Serializer[None]):
    """The link that is to be made."""

    image_id = DigitsField(min_value=0, max_value=_MAX_ID)
    expires_in = DigitsField(
        min_value=1, max_value=MAX_LINK_SECONDS, help_text=_TIME.format("", *DEFAULT_LINK_SECONDS)
    )
    max_opens = DigitsField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=_MAX_OPENS,
        help_text="How often it can be opened, by a page with a button; any number of times unless "
        "given.",
    )
    password = serializers.CharField(
        required=False,
        allow_null=True,
        trim_whitespace=False,
        max_length=MAX_PASSWORD_LENGTH,
        help_text="What whoever opens it must know.",
    )
    note = _NoteField()
    cache_seconds = DigitsField(
        required=False,
        min_value=0,
        max_value=MAX_CACHE_SECONDS,
        help_text="For how long browsers and CDNs may keep the bytes, also after the link was "
        "revoked; only without `max_opens` and `password`.",
    )


@example({"expires_in": 7200, "note": "for Ana and Eva"})
class RestfulLinkChange(serializers.Serializer[None]):
    """What may change of a link; what is left out stays, and so does its address."""

    expires_in = DigitsField(
        required=False,
        min_value=1,
        max_value=MAX_LINK_SECONDS,
        help_text=_TIME.format(" from now on", *DEFAULT_LINK_SECONDS),
    )
    note = _NoteField()


@example(
    {
        "id": 7,
        "image_id": PICTURE_ID,
        "url": _URL,
        "created_at": "2025-11-29T10:15:30.123456Z",
        "expires_at": "2025-11-29T11:15:30Z",
        "revoked_at": None,
        "max_opens": 1,
        "opens": 0,
        "last_opened_at": None,
        "has_password": True,
        "note": "for Ana",
        "cache_seconds": 0,
        "is_live": True,
    }
)
class RestfulLinkDetails(serializers.Serializer[None]):
    """A link, with its address and what became of it."""

    id = serializers.IntegerField()
    image_id = serializers.IntegerField()
    url = serializers.URLField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    revoked_at = serializers.DateTimeField(allow_null=True)
    max_opens = serializers.IntegerField(allow_null=True)
    opens = serializers.IntegerField()
    last_opened_at = serializers.DateTimeField(allow_null=True)
    has_password = serializers.BooleanField()
    note = serializers.CharField(allow_blank=True)
    cache_seconds = serializers.IntegerField()
    is_live = serializers.BooleanField(
        help_text="Whether it opens at this moment: it is neither over nor used up, and its maker "
        "may still make links."
    )


@example({"revoked": 3})
class RestfulRevokedLinks(serializers.Serializer[None]):
    """How many links were revoked that had not been before."""

    revoked = serializers.IntegerField()


def link_url(link_id: int, *, base: str) -> str:
    """Return a link's absolute address, which depends on its row's number alone."""
    return base + reverse("link", args=[write_token(LinkToken(link_id))])


def serialize_link_row(row: dict[str, Any], *, base: str) -> dict[str, Any]:
    """Write a `RestfulLinkDetails` of a row with LINK_FIELDS."""
    return {
        "id": row["id"],
        "image_id": row["picture_id"],
        "url": link_url(row["id"], base=base),
        "created_at": row["created_at"],
        "expires_at": row["expires_at"],
        "revoked_at": row["revoked_at"],
        "max_opens": row["max_opens"],
        "opens": row["opened"],
        "last_opened_at": row["last_opened_at"],
        "has_password": row["password"] != "",
        "note": row["note"],
        "cache_seconds": row["cache_seconds"],
        "is_live": row["opens_now"],
    }
