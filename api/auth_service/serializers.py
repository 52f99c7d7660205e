"""What the auth service takes and gives."""

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from accounts.models import User
from accounts.passwords import MAX_PASSWORD_LENGTH
from api.openapi.examples import ACCOUNT_ID, JWT, LOGIN, PASSWORD, example


def _password(*, required: bool = True) -> serializers.CharField:
    return serializers.CharField(
        max_length=MAX_PASSWORD_LENGTH,
        trim_whitespace=False,
        required=required,
        style={"input_type": "password"},
    )


@example({"name": "Alice", "login": LOGIN, "password": PASSWORD})
class AuthServiceSignUp(serializers.Serializer[None]):
    """A new account."""

    name = serializers.CharField(max_length=150)
    login = serializers.CharField(min_length=3, max_length=64)
    password = _password()
    invitation = serializers.CharField(
        required=False, allow_blank=True, max_length=100, help_text="Where sign-up is not for all."
    )


@example({"login": LOGIN, "password": PASSWORD})
class AuthServiceSignIn(serializers.Serializer[None]):
    """A login and its password."""

    login = serializers.CharField(max_length=254)
    password = _password()


@example(
    {
        "currentPassword": PASSWORD,
        "newPassword": "quite another phrase",
        "verifyPassword": "quite another phrase",
    }
)
class AuthServicePassword(serializers.Serializer[None]):
    """A change of one's password."""

    currentPassword = _password()
    newPassword = _password()
    verifyPassword = _password(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a verification that differs."""
        if attrs.get("verifyPassword", attrs["newPassword"]) != attrs["newPassword"]:
            raise serializers.ValidationError(
                {"verifyPassword": ErrorDetail("They differ.", code="mismatch")}
            )
        return attrs


@example({"token": JWT})
class AuthServiceToken(serializers.Serializer[None]):
    """A bearer token."""

    token = serializers.CharField()


@example({"id": ACCOUNT_ID, "name": "Alice", "login": LOGIN, "roles": ["user"]})
class AuthServiceUser(serializers.Serializer[None]):
    """An account."""

    id = serializers.UUIDField()
    name = serializers.CharField(allow_blank=True)
    login = serializers.CharField()
    roles = serializers.ListField(child=serializers.ChoiceField(choices=["user", "admin"]))


class AuthServiceMessage(serializers.Serializer[None]):
    """What is wrong with one field."""

    path = serializers.CharField(allow_blank=True)
    message = serializers.CharField()


class AuthServiceMessages(serializers.Serializer[None]):
    """What is wrong, a message for each field."""

    messages = AuthServiceMessage(many=True)


class AuthServiceError(serializers.Serializer[None]):
    """What went wrong."""

    error = serializers.CharField()


def serialize_user(user: User) -> dict[str, Any]:
    """Write an `AuthServiceUser`."""
    roles = ["user", "admin"] if user.is_staff else ["user"]
    return {"id": str(user.pk), "name": user.name, "login": user.username, "roles": roles}
