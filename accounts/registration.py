"""People who make their own account."""

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.models import User
from accounts.names import folded
from accounts.request_origin import Client
from accounts.throttling import SIGN_UPS_PER_ADDRESS, admit, whose
from tiers.models import Tier


def sign_up(*, login: str, password: str, client: Client, name: str = "", email: str = "") -> User:
    """Make an account of the tier that SIGNUP_TIER names.

    Raises TooManyAttempts, and ValidationError with the fields `username`, `email`, `name` and
    `password`; code `unique` means taken. The unique constraints decide a race.
    """
    admit((SIGN_UPS_PER_ADDRESS, whose(client)))
    user = User(username=login, name=name, email=email, tier=_tier())
    _validate(user, password)
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError:
        _refuse_taken(user)
        raise
    return user


def _tier() -> Tier:
    return Tier.objects.get(name=settings.SIGNUP_TIER)


def _validate(user: User, password: str) -> None:
    """Collect what is wrong with every field, one reason each."""
    reasons: dict[str, list[ValidationError]] = {}
    try:
        user.clean_fields(exclude=["password", "username_key"])
    except ValidationError as error:
        reasons |= error.error_dict
    try:
        validate_password(password, user)
    except ValidationError as error:
        reasons["password"] = error.error_list
    if reasons:
        raise ValidationError(dict(reasons))
    _refuse_taken(user)


def _refuse_taken(user: User) -> None:
    taken = {}
    if User.objects.filter(username_key=folded(user.username)).exists():
        taken["username"] = ValidationError("This login is taken.", code="unique")
    if user.email and User.objects.filter(email__iexact=user.email).exists():
        taken["email"] = ValidationError("This email address is taken.", code="unique")
    if taken:
        raise ValidationError(taken)
