"""What the image RESTful API takes and gives of sessions, tokens and the security log."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from rest_framework import serializers

from accounts.models import SecurityEvent, Session
from accounts.names import refuse_nul
from accounts.scopes import Scope
from accounts.security_words import describe
from api.fields import DigitsField
from api.openapi.examples import example

_MIN_LIFETIME = timedelta(minutes=1)
_SESSION_ID = "3c0f5d5e-6a55-4c2e-8a0a-9d1e3b6f7a10"
# What `serialize_session_row` reads.
SESSION_FIELDS = (
    "id", "scheme", "created_at", "last_used_at", "address", "agent", "name", "scopes",
)  # fmt: skip
_SESSION = {
    "id": _SESSION_ID,
    "scheme": "token",
    "created_at": "2025-11-29T10:15:30.123456Z",
    "last_used_at": "2025-11-29T10:20:00.654321Z",
    "address": "192.0.2.7",
    "agent": "curl/8.5.0",
    "name": "backup at home",
    "scopes": ["read", "upload"],
    "is_current": False,
}


@example(_SESSION)
class RestfulSession(serializers.Serializer[None]):
    """A signing-in that still counts, or a token; the one of this request is current."""

    id = serializers.UUIDField()
    scheme = serializers.ChoiceField(choices=Session.Scheme.choices)
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(
        help_text="When it was last used, to within five minutes."
    )
    address = serializers.IPAddressField(allow_null=True, help_text="Where it was opened from.")
    agent = serializers.CharField(allow_blank=True)
    name = serializers.CharField(allow_blank=True, help_text="Empty unless it was given one.")
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=Scope.choices))
    is_current = serializers.BooleanField()


@example({"ended": 3})
class RestfulEnded(serializers.Serializer[None]):
    """How many sessions ended."""

    ended = serializers.IntegerField()


class _ScopesField(serializers.MultipleChoiceField):
    """A list: the choices of DRF's own may also be the names of an object."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            self.fail("not_a_list", input_type="dict")
        return super().to_internal_value(data)


@example({"name": "backup at home", "scopes": ["read", "upload"], "expires_in": 2_592_000})
class RestfulTokenRequest(serializers.Serializer[None]):
    """A name to know the token by, what it may do, and for how long."""

    name = serializers.CharField(max_length=100, validators=[refuse_nul])
    scopes = _ScopesField(
        choices=Scope.choices,
        allow_empty=False,
        help_text="`read` sees pictures, thumbnails and events; `upload` stores pictures; `change` "
        "changes and deletes them; `links` makes, sees and revokes links; `account` sees and "
        "changes the account, its sessions and its tokens.",
    )
    expires_in = DigitsField(
        required=False,
        min_value=int(_MIN_LIFETIME.total_seconds()),
        help_text="Seconds; as long as a token of `token/` unless given, and never longer.",
    )

    def validate_name(self, name: str) -> str:
        """Refuse what no list can show."""
        if not name.isprintable():
            raise serializers.ValidationError("Control characters are not allowed.")
        return name

    def validate_expires_in(self, seconds: int) -> int:
        """Refuse more than the setting allows."""
        longest = int(settings.API_TOKEN_LIFETIME.total_seconds())
        if seconds > longest:
            raise serializers.ValidationError(f"At most {longest}.")
        return seconds


@example(
    {
        **_SESSION,
        "last_used_at": "2025-11-29T10:15:30.123456Z",
        "token": "1f0e6a1c9b7d4e53a2c8f0d1b3e5a7c9d1b3e5a7",
        "expires_at": "2025-12-29T10:15:30.123456Z",
    }
)
class RestfulNamedToken(RestfulSession):
    """A new token and its session; `token` is shown this once."""

    token = serializers.CharField()
    expires_at = serializers.DateTimeField()


@example(
    {
        "id": 90210,
        "at": "2025-11-29T10:15:30.123456Z",
        "kind": "token.made",
        "summary": "A token was made",
        "by": "you",
        "address": "192.0.2.7",
        "agent": "curl/8.5.0",
        "facts": {"session": _SESSION_ID, "scheme": "token", "name": "backup at home",
                  "scopes": ["read", "upload"]},
    }
)  # fmt: skip
class RestfulSecurityEvent(serializers.Serializer[None]):
    """Something that was done to the account: by you, by staff, or by whoever failed to sign in.

    A sign-in from a device that the account's log did not know has `"new_device": true` in `facts`.
    """

    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    kind = serializers.CharField()
    summary = serializers.CharField(help_text="The kind as a sentence, in the request's language.")
    by = serializers.ChoiceField(choices=["you", "staff", "nobody"])
    address = serializers.IPAddressField(
        allow_null=True, help_text="Where it came from; null of what staff did."
    )
    agent = serializers.CharField(allow_blank=True)
    facts = serializers.DictField()


def serialize_session_row(row: Mapping[str, Any], current: Session) -> dict[str, Any]:
    """Write a `RestfulSession` of a row with SESSION_FIELDS."""
    scopes = list(Scope) if row["scopes"] is None else row["scopes"]
    return {**row, "scopes": [str(each) for each in scopes], "is_current": row["id"] == current.pk}


def serialize_named_token(made: Session, token: str, current: Session) -> dict[str, Any]:
    """Write a `RestfulNamedToken`."""
    row = {name: getattr(made, name) for name in SESSION_FIELDS}
    session = serialize_session_row(row, current)
    return {**session, "token": token, "expires_at": made.expires_at}


def serialize_security_event(event: SecurityEvent, owner_id: UUID) -> dict[str, Any]:
    """Write a `RestfulSecurityEvent`; where staff acted from is theirs."""
    by = "nobody"
    if event.actor_id is not None:
        by = "you" if event.actor_id == owner_id else "staff"
    is_theirs = by == "staff"
    return {
        "id": event.pk,
        "at": event.at,
        "kind": event.kind,
        "summary": describe(event),
        "by": by,
        "address": None if is_theirs else event.address,
        "agent": "" if is_theirs else event.agent,
        "facts": event.facts,
    }
