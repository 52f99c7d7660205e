"""What the routes for whoever has no account yet, or no password any more, take and give."""

from rest_framework import serializers

from accounts.models import Invitation
from api.openapi.examples import example


@example({"name": "Tintype", "signup": "open", "password_reset": True, "second_factor": False})
class RestfulSite(serializers.Serializer[None]):
    """What the service offers to whoever has no account yet, or no password any more."""

    name = serializers.CharField()
    signup = serializers.ChoiceField(choices=["open", "invite", "closed"])
    password_reset = serializers.BooleanField(help_text="By mail; staff can make a link anyhow.")
    second_factor = serializers.BooleanField()


@example({"tier": "Premium", "expires_at": "2025-12-06T10:15:30Z"})
class RestfulInvitation(serializers.Serializer[Invitation]):
    """An invitation that can still be accepted."""

    tier = serializers.CharField(source="tier.name")
    expires_at = serializers.DateTimeField()
