"""Expiring links: signed tokens, and the rows that revoke them and count their use.

A token is `<row id>.<end>.<signature>` with the numbers in base 36, so that a forged or expired one
is refused without a query.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.http import base36_to_int, int_to_base36

from accounts.models import User
from accounts.security_log import record_event
from images.exceptions import LinkDurationOutOfBounds, LinkGone, LinkNotGranted
from images.models import Link, Picture
from images.permissions import PicturePermission, reaches_others
from images.services import lock_picture
from lib.batches import delete_batch
from lib.compiled_query import CompiledQuery
from lib.signing import make_signature, verify_signature

_PURPOSE = "link"
# Staff can look at an expired link for this long; its token is invalid as soon as it expires.
RETENTION = timedelta(days=30)
_link_by_id = CompiledQuery(Link.objects.with_picture, "id")


@dataclass(frozen=True, slots=True)
class LinkToken:
    """The row that a token refers to, and when it expires (seconds since 1970)."""

    link_id: int
    expires: int


def write_token(token: LinkToken) -> str:
    message = f"{int_to_base36(token.link_id)}.{int_to_base36(token.expires)}"
    return f"{message}.{make_signature(_PURPOSE, message)}"


def read_token(text: str) -> LinkToken | None:
    """Return the content of a token, None if its signature is invalid."""
    message, _, given_signature = text.rpartition(".")
    if not message or not verify_signature(_PURPOSE, message, given_signature):
        return None
    link_id, _, expires = message.partition(".")
    return LinkToken(base36_to_int(link_id), base36_to_int(expires))


def may_link_own(user: User) -> bool:
    """Return whether an account may make links to its own pictures: its tier says so."""
    return user.is_superuser or user.tier.grants_links


def may_link(maker: User, picture: Picture) -> bool:
    """Return whether an account may make links to a picture: its own, or another's as staff."""
    if maker.pk == picture.owner_id:
        return may_link_own(maker)
    return reaches_others(maker, PicturePermission.LINK)


def require_link_grant(user: User) -> None:
    """Raise LinkNotGranted unless an account may make links to some pictures."""
    if not (may_link_own(user) or reaches_others(user, PicturePermission.LINK)):
        raise LinkNotGranted


@transaction.atomic
def make_link(*, maker: User, picture: Picture, seconds: int) -> tuple[Link, str]:
    """Make a link that expires after so many seconds; return its row and token.

    Raise LinkNotGranted (see `may_link`), LinkDurationOutOfBounds when the maker's tier does not
    allow the duration, and Picture.DoesNotExist when the picture was deleted meanwhile.
    """
    if not may_link(maker, picture):
        raise LinkNotGranted
    tier = maker.tier
    if not tier.link_min_seconds <= seconds <= tier.link_max_seconds:
        raise LinkDurationOutOfBounds(tier.link_min_seconds, tier.link_max_seconds)
    expires_at = (timezone.now() + timedelta(seconds=seconds)).replace(microsecond=0)
    lock_picture(picture.pk)
    link = Link.objects.create(picture=picture, maker=maker, expires_at=expires_at)
    record_event("link.made", picture.owner_id, link=link.pk, picture=str(picture.uid))
    return link, write_token(LinkToken(link.pk, int(expires_at.timestamp())))


def open_link(token: LinkToken) -> Link:
    """Return a live link with its picture, owner and maker; raise LinkGone.

    It takes one query, none for an expired link, and two more for one that staff made for another.
    """
    now = timezone.now()
    if token.expires <= now.timestamp():
        raise LinkGone
    link = _link_by_id.first(token.link_id)
    if link is None or not link.is_live(now):
        raise LinkGone
    accounts_are_active = link.picture.owner.is_active and link.maker.is_active
    if not accounts_are_active or not may_link(link.maker, link.picture):
        raise LinkGone
    return link


def count_opening(link: Link) -> None:
    Link.objects.filter(pk=link.pk).update(opened=F("opened") + 1, last_opened_at=timezone.now())


def delete_ended_links() -> int:
    """Delete a batch of links whose retention is over; return how many were deleted."""
    past_retention = Link.objects.filter(expires_at__lt=timezone.now() - RETENTION)
    return delete_batch(past_retention)
