"""What `usage/` takes and gives."""

from typing import Any

from rest_framework import serializers

from accounts.models import User
from api.fields import DigitsField
from api.openapi.examples import example
from images.ledger import Usage
from images.usage import accepts


class RestfulUsageQuery(serializers.Serializer[None]):
    """The upload in question."""

    upload = DigitsField(
        required=False, min_value=1, max_value=10**18, help_text="Bytes of a file to be uploaded."
    )


@example(
    {
        "pictures": 42,
        "originals_bytes": 126_300_211,
        "thumbnails_bytes": 1_204_118,
        "other_bytes": 3_120_004,
        "stored_bytes": 130_624_333,
        "max_pictures": None,
        "max_stored_bytes": 10_737_418_240,
        "accepted": True,
    }
)
class RestfulUsage(serializers.Serializer[None]):
    """What an account stores, and what its tier allows."""

    pictures = serializers.IntegerField()
    originals_bytes = serializers.IntegerField()
    thumbnails_bytes = serializers.IntegerField()
    other_bytes = serializers.IntegerField()
    stored_bytes = serializers.IntegerField()
    max_pictures = serializers.IntegerField(allow_null=True)
    max_stored_bytes = serializers.IntegerField(allow_null=True)
    accepted = serializers.BooleanField(required=False, help_text="Only where `upload` was given.")


def serialize_usage(owner: User, usage: Usage, size: int | None) -> dict[str, Any]:
    """Return a RestfulUsage; with the size of an upload, whether it would be accepted."""
    body = {
        "pictures": usage.pictures,
        "originals_bytes": usage.originals_bytes,
        "thumbnails_bytes": usage.thumbnails_bytes,
        "other_bytes": usage.other_bytes,
        "stored_bytes": usage.stored_bytes,
        "max_pictures": owner.tier.max_pictures,
        "max_stored_bytes": owner.tier.max_stored_bytes,
    }
    return body if size is None else body | {"accepted": accepts(owner, usage, size)}
