"""What the account's routes take and give."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from accounts.models import User
from accounts.passwords import MAX_PASSWORD_LENGTH
from api.openapi.examples import ACCOUNT_ID, LOGIN, PASSWORD, example
from plans.warnings import PlannedChange, may_have_planned_changes, planned_changes_of

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


class RestfulPlannedChange(serializers.Serializer[None]):
    """What the account's tier will allow less of."""

    at = serializers.DateTimeField(
        allow_null=True, help_text="When it comes; null: as soon as staff apply it."
    )
    takes = serializers.ListField(
        child=serializers.CharField(), help_text="The fields of `tier` that allow less than today."
    )
    tier = RestfulTier(help_text="What the tier will allow then.")


_TIER = {
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
}


@example(
    {
        "id": ACCOUNT_ID,
        "username": LOGIN,
        "name": "Alice",
        "email": _EMAIL,
        "tier": _TIER,
        "planned_changes": [
            {
                "at": "2026-01-31T06:00:00Z",
                "takes": ["grants_links"],
                "tier": {**_TIER, "name": "Premium", "grants_links": False},
            }
        ],
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
    planned_changes = RestfulPlannedChange(
        many=True,
        required=False,
        help_text="What the account will be allowed less of, the first to come first. Only there "
        "where something was announced.",
    )
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
    """Write a `RestfulAccount`; one query where no plan concerns the account."""
    rows = user.tier.heights.values_list("height", may_have_planned_changes(user))
    heights = dict(rows)
    tier = _serialize_tier({**vars(user.tier), "heights": list(heights)})
    may_have_any = any(heights.values()) or not heights
    changes = [_serialize_change(each) for each in planned_changes_of(user)] if may_have_any else []
    return {
        "id": str(user.pk),
        "username": user.username,
        "name": user.name,
        "email": user.email,
        "tier": tier,
        "is_staff": user.is_staff,
        **({"planned_changes": changes} if changes else {}),
    }


def _serialize_tier(values: Mapping[str, Any]) -> dict[str, Any]:
    """Write a `RestfulTier`."""
    names = RestfulTier().fields.keys()
    return {name: values[name] for name in names}


def _serialize_change(change: PlannedChange) -> dict[str, Any]:
    tier = _serialize_tier(change.tier)
    return {"at": change.at, "takes": change.takes, "tier": tier}
