"""People who create their own account."""

from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.addresses import ask_to_verify, mark_unverified, refuse_taken_email
from accounts.exceptions import InvitationOver, SignUpRefused
from accounts.invitations import accept_invitation, find_invitation
from accounts.models import Invitation, User
from accounts.names import login_key
from accounts.request_origin import RequestOrigin
from accounts.security_log import record_event
from accounts.throttling import SIGN_UPS_PER_ADDRESS, enforce_limits, throttling_key
from tiers.models import Tier


def sign_up(
    *,
    login: str,
    password: str,
    origin: RequestOrigin,
    name: str = "",
    email: str = "",
    invitation: str = "",
) -> User:
    """Create an account of the invitation's tier, else of the one that SIGNUP_TIER names.

    Raise TooManyAttempts, SignUpRefused, or ValidationError with the fields `username`, `email`,
    `name`, `password` and `invitation`; the code `unique` means taken. Unique constraints decide
    between two requests, and the invitation's row.
    """
    enforce_limits((SIGN_UPS_PER_ADDRESS, throttling_key(origin)))
    held = _require_way_in(invitation)
    tier = held.tier if held else Tier.objects.get(name=settings.SIGNUP_TIER)
    user = User(username=login, name=name, email=email, tier=tier)
    _validate(user, password)
    user.set_password(password)
    try:
        with transaction.atomic():
            mark_unverified(user)
            user.save(force_insert=True)
            record_event("account.created", user)
            ask_to_verify(user)
            if held:
                accept_invitation(held, user)
    except InvitationOver as over:
        raise bad_invitation() from over
    except IntegrityError:
        _refuse_taken(user)
        raise
    return user


def _require_way_in(token: str) -> Invitation | None:
    """Return the invitation, if one is given; raise SignUpRefused or ValidationError."""
    if settings.SIGNUP == "closed":
        raise SignUpRefused("signup_closed")
    if token:
        try:
            return find_invitation(token)
        except (Invitation.DoesNotExist, InvitationOver) as error:
            raise bad_invitation() from error
    if settings.SIGNUP == "invite":
        raise SignUpRefused("invitation_required")
    return None


def bad_invitation() -> ValidationError:
    """Return the error of an invitation that cannot be used."""
    message = "This invitation cannot be used: it is none, or was used, or its time is over."
    return ValidationError({"invitation": ValidationError(message, code="invitation")})


def _validate(user: User, password: str) -> None:
    """Raise ValidationError with what is wrong with every field."""
    errors: dict[str, list[ValidationError]] = {}
    try:
        user.clean_fields(exclude=["password", "username_key"])
    except ValidationError as error:
        errors |= error.error_dict
    try:
        validate_password(password, user)
    except ValidationError as error:
        errors["password"] = error.error_list
    if errors:
        raise ValidationError(dict(errors))
    _refuse_taken(user)


def _refuse_taken(user: User) -> None:
    errors: dict[str, Any] = {}
    if User.objects.filter(username_key=login_key(user.username)).exists():
        errors["username"] = ValidationError("This login is taken.", code="unique")
    try:
        refuse_taken_email(user)
    except ValidationError as error:
        errors |= error.error_dict
    if errors:
        raise ValidationError(errors)
