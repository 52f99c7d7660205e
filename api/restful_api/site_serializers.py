"""What the routes for whoever has no account yet, or no password any more, take and give."""

from rest_framework import serializers

from accounts.models import Invitation
from api.openapi.examples import example
from api.restful_api.account_serializers import password_field


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


@example({"email": "alice@example.org"})
class RestfulResetRequest(serializers.Serializer[None]):
    """The address of an account whose password is forgotten."""

    email = serializers.EmailField(max_length=254)


@example(
    {
        "token": "5f0c7d0a6a554c2e8a0a3b6f3c1d9e11.czk8m0-2f6f1d0e7a34a7b99c550b9f3c528d1e",
        "new_password": "quite another phrase",
    }
)
class RestfulReset(serializers.Serializer[None]):
    """The last part of a link, and another password."""

    token = serializers.CharField(max_length=200)
    new_password = password_field()
