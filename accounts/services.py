"""What people do with their accounts."""

from collections.abc import Collection
from uuid import UUID

from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.db.models import F

from accounts.exceptions import BadCredentials, NoPassword
from accounts.models import Session, User
from accounts.request_origin import RequestOrigin
from accounts.security_log import record_event
from accounts.signals import tier_changed
from tiers.models import Tier


def verify_credentials(*, login: str, password: str, origin: RequestOrigin) -> User:
    """Return the account that login and password name.

    Raise BadCredentials, the same for an unknown login, a wrong password and a disabled account.
    Raise TooManyAttempts before any password is hashed.
    """
    user = authenticate(username=login, password=password, origin=origin)
    if not isinstance(user, User):
        raise BadCredentials
    return user


def sign_out(session: Session, *, authorization: str = "") -> None:
    """End one session; do nothing when it has ended already.

    See `accounts.request_authentication.Authentication` for `authorization`.
    """
    Session.objects.filter(pk=session.pk).end(authorization=authorization)


def change_password(
    user: User,
    *,
    current: str,
    new: str,
    origin: RequestOrigin,
    except_session: Session | None = None,
) -> None:
    """Replace one's own password and end every session except `except_session`.

    Raise BadCredentials for a current password that is wrong, or that somebody else replaced at the
    same moment, NoPassword where the account has none, TooManyAttempts after too many wrong ones,
    and ValidationError with the policy's reasons.
    """
    if not user.has_usable_password():
        raise NoPassword
    checked = verify_credentials(login=user.username, password=current, origin=origin)
    validate_password(new, user)
    checked_hash = checked.password
    checked.set_password(new, except_session=except_session)
    with transaction.atomic():
        User.objects.lock_with_password(user.pk, checked_hash)
        checked.save(update_fields=["password"])
    user.password = checked.password


@transaction.atomic
def end_every_session(user: User) -> int:
    """End the sessions of an account, those in the admin too; return how many had a token."""
    User.objects.filter(pk=user.pk).update(sign_outs=F("sign_outs") + 1)
    return Session.objects.of(user).end()


@transaction.atomic
def end_other_sessions(session: Session) -> int:
    """End the sessions of an account except one, those in the admin too; return how many were live.

    Whoever opens a session locks the account's row first, as the update here does: so one of the
    two sees the other.
    """
    User.objects.filter(pk=session.user_id).update(sign_outs=F("sign_outs") + 1)
    sessions = Session.objects.of(session.user)
    count = sessions.live().exclude(pk=session.pk).count()
    sessions.end(except_session=session)
    return count


def move_to_tier(user: User, tier: Tier) -> None:
    """Give an account another tier, as `move_accounts` does."""
    move_accounts([user.pk], tier)
    user.tier = tier


@transaction.atomic
def move_accounts(
    user_ids: Collection[UUID], tier: Tier, *, former: Tier | None = None
) -> list[UUID]:
    """Give accounts another tier and send `tier_changed`, so that their thumbnails follow.

    With `former` only those move that still have that tier. Return which had another tier.
    """
    users = User.objects.filter(pk__in=user_ids).exclude(tier=tier)
    if former is not None:
        users = users.filter(tier=former)
    locked = users.order_by("pk").select_for_update(no_key=True)
    moved = list(locked.values_list("pk", flat=True))
    if moved:
        User.objects.filter(pk__in=moved).update(tier=tier)
        tier_changed.send(sender=User, user_ids=moved, tier=tier)
    return moved


@transaction.atomic
def disable(user: User) -> None:
    """Close an account and end its sessions; idempotent."""
    user.is_active = False
    user.save(update_fields=["is_active"])
    record_event("account.closed", user)
    end_every_session(user)
