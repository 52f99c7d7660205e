"""Accounts that their owners delete: closed in one commit, removed by the worker.

The commit that closes an account takes away all that anybody could use: sessions, the password,
login and address (free again at once), and the sight of its pictures. Its row is the order to
remove the rest, and goes last; so it is carried out whatever dies in between.
"""

import time
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone

from accounts.exceptions import StaffAccount
from accounts.models import Mail, Session, User
from accounts.own_account import prove_identity
from accounts.request_origin import RequestOrigin
from accounts.second_factor import forget_factor
from accounts.security_log import record_event
from accounts.services import end_every_session
from images.caching import invalidate
from images.models import Link, Picture
from images.services import empty_folder
from lib.after_commit import run_after_commit
from lib.background import background, background_task, enqueue_soon, enqueue_task
from lib.batches import let_others_write
from thumbnails.deletion import delete_next_pictures
from thumbnails.usage import measure

# For so long one worker goes on with an account; then others have their turn.
TURN_SECONDS = 10.0
# After so long an account whose worker died is taken up again.
LEASE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class AccountReceipt:
    """What goes with an account; `files` and `bytes` leave the storage."""

    pictures: int
    files: int
    bytes: int
    links: int
    sessions: int


def close_account(session: Session, *, password: str, origin: RequestOrigin) -> AccountReceipt:
    """Close the account of a session, count what goes with it, and let the worker remove it.

    Raise StaffAccount, and what `prove_identity` raises.
    """
    if session.user.is_staff or session.user.is_superuser or session.user.rights_rest:
        raise StaffAccount
    user = prove_identity(session, password=password, origin=origin)
    with transaction.atomic():
        User.objects.lock_with_password(user.pk, user.password)
        return _close(user)


@transaction.atomic
def close_as_staff(user: User) -> AccountReceipt:
    """Close any account, and let the worker remove it."""
    User.objects.lock(user.pk)
    return _close(user)


def _close(user: User) -> AccountReceipt:
    own = Picture.objects.owned_by(user)
    stored = measure(own)
    receipt = AccountReceipt(
        pictures=own.count(),
        files=stored.files,
        bytes=stored.bytes,
        links=Link.objects.filter(picture__owner=user).count(),
        sessions=Session.objects.of(user).live().count(),
    )
    # Under the lock of the account's row.
    record_event("account.closed", user, pictures=receipt.pictures, bytes=receipt.bytes)
    end_every_session(user)
    Mail.objects.filter(user=user).delete()
    forget_factor(user)
    _forget_person(user)
    invalidate(user.pk)
    run_after_commit(enqueue_soon, remove_closed_accounts)
    return receipt


def _forget_person(user: User) -> None:
    user.username, user.name, user.email = f"closed-{user.pk.hex}", "", ""
    user.is_active, user.password = False, make_password(None)
    user.is_staff = user.is_superuser = False
    user.email_verified_at, user.removal_due_at = None, timezone.now()
    names = ["name", "email", "is_active", "password", "email_verified_at", "removal_due_at"]
    rights = ["is_staff", "is_superuser"]
    user.save(update_fields=["username", "username_key", *names, *rights])


@background_task("upkeep.remove_closed_accounts")
def remove_closed_accounts() -> None:
    """Go on with each closed account whose turn it is; where more is left, ask for another."""
    now = timezone.now()
    due = User.objects.filter(removal_due_at__lte=now).order_by("removal_due_at")
    for user_id in list(due.values_list("pk", flat=True)[:20]):
        mine = User.objects.filter(pk=user_id, removal_due_at__lte=now)
        if mine.update(removal_due_at=now + LEASE) and not _remove_for_a_turn(user_id):
            User.objects.filter(pk=user_id).update(removal_due_at=timezone.now())
            enqueue_task(remove_closed_accounts)


def _remove_for_a_turn(user_id: UUID) -> bool:
    """Remove an account batch by batch; return whether all is gone."""
    end = time.monotonic() + TURN_SECONDS
    while delete_next_pictures(user_id):
        if background.is_stopping or time.monotonic() > end:
            return False
        let_others_write()
    return empty_folder(user_id) and _remove_account(user_id)


@transaction.atomic
def _remove_account(user_id: UUID) -> bool:
    """Delete the row with what refers to it; False where an upload came in at the last moment.

    The lock makes an upload that is under way wait, and then find no account, so that it deletes
    its file. Every other file of the folder is gone by now, or waits for its removal.
    """
    user = User.objects.select_for_update().filter(pk=user_id).first()
    if user is None:
        return True
    if Picture.objects.owned_by(user_id).exists():
        return False
    record_event("account.deleted", user_id)
    user.delete()
    return True
