"""What the account's routes take and give."""

from typing import Any

from rest_framework import serializers

from accounts.models import User
from accounts.passwords import MAX_PASSWORD_LENGTH
from api.openapi.examples import ACCOUNT_ID, LOGIN, PASSWORD, example
from tiers.models import Tier

_EMAIL = "alice@example.org"


def password_field(**options: Any) -> serializers.CharField:
    """Return a field for a password, taken as it was typed."""
    return serializers.CharField(
        max_length=MAX_PASSWORD_LENGTH,
        trim_whitespace=False,
        style={"input_type": "password"},
        **options,
    )


class RestfulTier(serializers.Serializer[None]):
    """What the account's tier allows."""

    name = serializers.CharField()
    heights = serializers.ListField(child=serializers.IntegerField())
    grants_original = serializers.BooleanField()
    grants_links = serializers.BooleanField()
    link_min_seconds = serializers.IntegerField()
    link_max_seconds = serializers.IntegerField()
    max_upload_bytes = serializers.IntegerField()
    max_pixels = serializers.IntegerField()
    max_pictures = serializers.IntegerField(allow_null=True)
    max_stored_bytes = serializers.IntegerField(allow_null=True)


@example(
    {
        "id": ACCOUNT_ID,
        "username": LOGIN,
        "name": "Alice",
        "email": _EMAIL,
        "tier": {
            "name": "Enterprise",
            "heights": [200, 400],
            "grants_original": True,
            "grants_links": True,
            "link_min_seconds": 300,
            "link_max_seconds": 30000,
            "max_upload_bytes": 15728640,
            "max_pixels": 50000000,
            "max_pictures": None,
            "max_stored_bytes": 100000000000,
        },
        "is_staff": False,
    }
)
class RestfulAccount(serializers.Serializer[None]):
    """An account, for itself."""

    id = serializers.UUIDField()
    username = serializers.CharField()
    name = serializers.CharField(allow_blank=True)
    email = serializers.CharField(allow_blank=True)
    tier = RestfulTier()
    is_staff = serializers.BooleanField()


@example({"name": "Alice Liddell", "email": _EMAIL, "password": PASSWORD})
class RestfulAccountChange(serializers.Serializer[None]):
    """What to change; another email address needs the password."""

    name = serializers.CharField(required=False, allow_blank=True, max_length=150)
    email = serializers.EmailField(required=False, allow_blank=True, max_length=254)
    password = password_field(required=False, allow_blank=True)


@example({"current_password": PASSWORD, "new_password": "quite another phrase"})
class RestfulPasswordChange(serializers.Serializer[None]):
    """A change of one's password."""

    current_password = password_field()
    new_password = password_field()


@example({"password": PASSWORD})
class RestfulAccountDeletion(serializers.Serializer[None]):
    """The account's password; none where it has none."""

    password = password_field(required=False, allow_blank=True)


@example({"pictures": 30, "files": 118, "bytes": 96421337, "links": 4, "sessions": 2})
class RestfulAccountReceipt(serializers.Serializer[None]):
    """What goes with an account; files and bytes are those that leave the storage."""

    pictures = serializers.IntegerField()
    files = serializers.IntegerField()
    bytes = serializers.IntegerField()
    links = serializers.IntegerField()
    sessions = serializers.IntegerField()


def serialize_own_account(user: User) -> dict[str, Any]:
    """Write a `RestfulAccount`."""
    return {
        "id": str(user.pk),
        "username": user.username,
        "name": user.name,
        "email": user.email,
        "tier": serialize_tier(user.tier),
        "is_staff": user.is_staff,
    }


def serialize_tier(tier: Tier) -> dict[str, Any]:
    """Write a `RestfulTier`; it takes a query for the heights."""
    heights = list(tier.heights.values_list("height", flat=True))
    names = RestfulTier().fields.keys()
    return {name: heights if name == "heights" else getattr(tier, name) for name in names}
