"""The kinds of the security log in people's words, and in the groups that they look for."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.models import SecurityEvent

_Text = Any  # a text that is translated when it is shown
_FROM_NEW_DEVICE = _("Signed in from a new device")

SENTENCES: dict[str, _Text] = {
    "account.closed": _("The account was closed"),
    "account.created": _("The account was made"),
    "account.deleted": _("The account was deleted"),
    "account.exported": _("Everything was downloaded"),
    "admin.added": _("Added in the admin"),
    "admin.changed": _("Changed in the admin"),
    "admin.deleted": _("Deleted in the admin"),
    "email.changed": _("The email address was changed"),
    "email.verified": _("The email address was verified"),
    "invitation.accepted": _("An invitation was accepted"),
    "invitation.revoked": _("Invitations were revoked"),
    "link.changed": _("A link was changed"),
    "link.made": _("A link was made"),
    "link.revoked": _("Links were revoked"),
    "password.changed": _("The password was changed"),
    "password.reset": _("The password was reset by a link"),
    "recovery-code.used": _("A recovery code was used"),
    "recovery-codes.made": _("Recovery codes were made"),
    "reset-link.made": _("A link to reset the password was made"),
    "reset-link.revoked": _("Links to reset the password were revoked"),
    "second-factor.added": _("A second factor was added"),
    "second-factor.refused": _("A code of the second factor was refused"),
    "second-factor.removed": _("The second factor was removed"),
    "sessions.ended": _("Sessions ended"),
    "sign-in": _("Signed in"),
    "sign-in.refused": _("A sign-in was refused"),
    "sign-in.throttled": _("A sign-in was refused: too many attempts"),
    "token.ended": _("A token ended"),
    "token.made": _("A token was made"),
}
NEW_DEVICES = "new-devices"
# What staff choose from: the name in addresses, and what it shows.
GROUPS: dict[str, tuple[_Text, tuple[str, ...]]] = {
    "sign-ins": (_("Sign-ins"), ("sign-in",)),
    "refused": (_("Refused sign-ins and codes"), ("sign-in.refused", "second-factor.refused")),
    NEW_DEVICES: (_("Sign-ins from new devices"), ("sign-in",)),
    "ended": (_("Ended sessions and tokens"), ("sessions.ended", "token.ended")),
    "passwords": (
        _("Passwords"),
        ("password.changed", "password.reset", "reset-link.made", "reset-link.revoked"),
    ),
    "factors": (
        _("Second factors"),
        (
            "recovery-code.used", "recovery-codes.made", "second-factor.added",
            "second-factor.removed",
        ),
    ),
    "tokens": (_("New tokens"), ("token.made",)),
    "shared": (_("Links"), ("link.changed", "link.made", "link.revoked")),
    "accounts": (
        _("Accounts"),
        (
            "account.closed", "account.created", "account.deleted", "account.exported",
            "email.changed", "email.verified", "invitation.accepted", "invitation.revoked",
        ),
    ),
    "admin": (_("Changes in the admin"), ("admin.added", "admin.changed", "admin.deleted")),
}  # fmt: skip


def describe(event: SecurityEvent) -> str:
    """Return a sentence for an event, in the reader's language."""
    if event.kind == "sign-in" and event.facts.get("new_device"):
        return str(_FROM_NEW_DEVICE)
    return str(SENTENCES.get(event.kind, event.kind))
