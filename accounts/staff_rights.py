"""When the rights of staff rest: in sessions without the second factor, where it is required.

It is decided whenever a session is used, so that turning STAFF_SECOND_FACTOR on or off leaves none
as it was. What rests is a matter of the loaded account alone; its row keeps its rights.
"""

from datetime import datetime
from typing import Protocol, TypeAlias

from django.conf import settings
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import Session

# What spent a code: a device of django-otp.
Factor: TypeAlias = TOTPDevice | StaticDevice


def is_factor_required() -> bool:
    return bool(settings.STAFF_SECOND_FACTOR == "required")


class Opened(Protocol):
    """A session, as far as its second factor is concerned."""

    @property
    def second_factor_at(self) -> datetime | None:
        """When a code was given."""


def rights_rest_in(session: Opened) -> bool:
    """Return whether a session was opened without a code that is required."""
    return is_factor_required() and session.second_factor_at is None


def rest_rights_without_factor(session: Session) -> None:
    """Let the rights of a session's account rest in it, if they do."""
    if rights_rest_in(session):
        session.user.rest_rights()


def is_in_force(factor: Factor) -> bool:
    """Return whether what spent a code is still there; the caller holds the account's lock."""
    return bool(type(factor).objects.filter(pk=factor.pk, user=factor.user_id).exists())
