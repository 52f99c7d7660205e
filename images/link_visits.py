"""Links that ask before they open: one press of their page's button is one opening.

A visit is a random id in that page. It spends an opening when the button is pressed, and earns a
pass, with which its browser loads the bytes for VISIT_LIFETIME. Pressing it again within that time
(twice in a row, or because the answer was lost) spends no more.
"""

from datetime import datetime, timedelta
from math import ceil
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.http import int_to_base36

from images.exceptions import LinkGone
from images.first_openings import announce_first_opening
from images.models import Link, LinkVisit, Picture
from images.services import lock_picture
from images.signals import links_opened
from lib.batches import delete_batch
from lib.signing import make_signature, verify_signature

VISIT_LIFETIME = timedelta(seconds=60)
_PURPOSE = "link-pass"


@transaction.atomic
def spend_opening(link: Link, visit: UUID) -> datetime:
    """Spend an opening for a visit, unless it has; return when its pass expires.

    Raise LinkGone where none is left, or the link is over.
    """
    now = timezone.now()
    # Whose first opening it may be; the picture is locked before the link.
    picture = _lock_picture_of(link) if link.opened == 0 else None
    # Of two presses of one button, the second waits here until the first is committed.
    row, is_new = LinkVisit.objects.select_for_update().get_or_create(
        link_id=link.pk, visit=visit, defaults={"opened_at": now}
    )
    if not is_new:
        if row.opened_at > now - VISIT_LIFETIME:
            return row.opened_at + VISIT_LIFETIME
        row.opened_at = now
        row.save(update_fields=["opened_at"])
    # The condition and the count are one statement: of two visitors who race for the last opening,
    # the second finds no row.
    live = Link.objects.with_openings().filter(pk=link.pk, revoked_at=None, expires_at__gt=now)
    spent: dict[str, Any] = {"opened": F("opened") + 1, "last_opened_at": now}
    if picture is not None and live.filter(opened=0).update(**spent):
        announce_first_opening(link.pk, picture)
    elif not live.update(**spent):
        raise LinkGone
    links_opened.send(sender=Link, count=1, at=now)
    return now + VISIT_LIFETIME


def _lock_picture_of(link: Link) -> Picture:
    try:
        return lock_picture(link.picture_id)
    except Picture.DoesNotExist as gone:
        raise LinkGone from gone


def has_opened(link: Link, visit: UUID) -> bool:
    """Return whether a visit spent an opening so recently that it needs no other."""
    recent = LinkVisit.objects.filter(opened_at__gt=timezone.now() - VISIT_LIFETIME)
    return recent.filter(link_id=link.pk, visit=visit).exists()


def write_pass(link: Link, expires_at: datetime) -> str:
    """Return what lets a visitor load the bytes until then."""
    expires = int_to_base36(ceil(expires_at.timestamp()))
    return f"{expires}.{make_signature(_PURPOSE, f'{link.pk}.{expires}')}"


def is_valid_pass(link: Link, text: str) -> bool:
    """Return whether `write_pass` wrote a pass for this link, and it has not expired."""
    expires, _, given_signature = text.partition(".")
    if not verify_signature(_PURPOSE, f"{link.pk}.{expires}", given_signature):
        return False
    return int(expires, 36) > timezone.now().timestamp()


def delete_past_visits() -> int:
    """Delete a batch of visits whose pass has expired; return how many were deleted."""
    return delete_batch(LinkVisit.objects.filter(opened_at__lt=timezone.now() - VISIT_LIFETIME))
