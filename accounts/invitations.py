"""Invitations: one-time links by which people make an account where sign-up is not open to all.

A token is the row's id and a signature, so that a forged one is refused without a query, and staff
can look at the link of a row again.
"""

from uuid import UUID

from django.conf import settings
from django.utils import timezone

from accounts.exceptions import InvitationOver
from accounts.models import Invitation, InvitationQuerySet, User
from accounts.security_log import record_event
from lib.signing import make_signature, verify_signature

_PURPOSE = "invitation"


def write_invitation_token(invitation: Invitation) -> str:
    message = invitation.pk.hex
    return f"{message}.{make_signature(_PURPOSE, message)}"


def invitation_url(invitation: Invitation) -> str:
    """Return the link to the sign-up page."""
    return f"{settings.PUBLIC_URL}/join/{write_invitation_token(invitation)}/"


def find_invitation(token: str) -> Invitation:
    """Return an open invitation, with its tier; raise Invitation.DoesNotExist, InvitationOver."""
    message, _, signature = token.partition(".")
    if not verify_signature(_PURPOSE, message, signature):
        raise Invitation.DoesNotExist
    pk = UUID(message)
    found = Invitation.objects.open().select_related("tier").filter(pk=pk).first()
    if found is None:
        raise InvitationOver
    return found


def accept_invitation(invitation: Invitation, user: User) -> None:
    """Use an invitation up for a new account; raise InvitationOver where somebody was faster.

    It needs the transaction that makes the account. The update waits for another that uses the
    same invitation, and then finds none that is open.
    """
    is_first = Invitation.objects.open().filter(pk=invitation.pk).update(
        accepted_at=timezone.now(), account=user
    )  # fmt: skip
    if not is_first:
        raise InvitationOver
    record_event("invitation.accepted", user, invitation=str(invitation.pk))


def revoke_invitations(invitations: InvitationQuerySet) -> int:
    """Revoke those that are open; return how many."""
    found = Invitation.objects.open().filter(pk__in=invitations.values("pk"))
    revoked = found.update(revoked_at=timezone.now())
    if revoked:
        record_event("invitation.revoked", count=revoked)
    return revoked
