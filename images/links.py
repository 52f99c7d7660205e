"""Expiring links: pure signing beside the rows that revoke and count.

A token is `<row>.<end>.<signature>`, the numbers in base 36: forged and past ones are told apart
and refused without a query.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.http import base36_to_int, int_to_base36

from accounts.models import User
from images.exceptions import LinkGone, LinkNotGranted, LinkTimeOutOfBounds
from images.models import Link, Picture
from images.services import lock_picture
from lib.compiled_query import RowBy
from lib.signing import signature, stands

_PURPOSE = "link"
_FORGOTTEN_AT_ONCE = 5_000
_link_by_id = RowBy(Link.objects.with_picture, "id")
# An expired link's row is kept this long for staff to look at; the token refuses itself anyway.
KEPT_AFTER_END = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class LinkToken:
    """What a token of ours names: a row, and when it ends (seconds since 1970)."""

    link_id: int
    expires: int


def write_token(token: LinkToken) -> str:
    """Sign a token."""
    message = f"{int_to_base36(token.link_id)}.{int_to_base36(token.expires)}"
    return f"{message}.{signature(_PURPOSE, message)}"


def read_token(text: str) -> LinkToken | None:
    """Return what a token names, None when it was not made here."""
    message, _, mark = text.rpartition(".")
    if not message or not stands(_PURPOSE, message, mark):
        return None
    link_id, _, expires = message.partition(".")
    return LinkToken(base36_to_int(link_id), base36_to_int(expires))


def may_make_links(user: User) -> bool:
    """Tell whether an account may make links: by its tier, and staff always."""
    return user.is_staff or user.tier.grants_links


def refuse_without_grant(user: User) -> None:
    """Raise LinkNotGranted unless the account may make links."""
    if not may_make_links(user):
        raise LinkNotGranted


@transaction.atomic
def make_link(*, maker: User, picture: Picture, seconds: int) -> tuple[Link, str]:
    """Make a link to a picture for so many seconds; returns the row and its token.

    Raises LinkNotGranted, LinkTimeOutOfBounds when the maker's tier has other bounds, and
    Picture.DoesNotExist when the picture went in between.
    """
    refuse_without_grant(maker)
    tier = maker.tier
    if not tier.link_min_seconds <= seconds <= tier.link_max_seconds:
        raise LinkTimeOutOfBounds(tier.link_min_seconds, tier.link_max_seconds)
    expires_at = (timezone.now() + timedelta(seconds=seconds)).replace(microsecond=0)
    lock_picture(picture.pk)
    link = Link.objects.create(picture=picture, maker=maker, expires_at=expires_at)
    return link, write_token(LinkToken(link.pk, int(expires_at.timestamp())))


def open_link(token: LinkToken) -> Link:
    """Return a live link with its picture and people; raises LinkGone.

    One query, and none for a link whose time is over.
    """
    now = timezone.now()
    if token.expires <= now.timestamp():
        raise LinkGone
    link = _link_by_id.first(token.link_id)
    if link is None or not link.is_live(now):
        raise LinkGone
    people_are_there = link.picture.owner.is_active and link.maker.is_active
    if not people_are_there or not may_make_links(link.maker):
        raise LinkGone
    return link


def count_opening(link: Link) -> None:
    """Count one opening."""
    Link.objects.filter(pk=link.pk).update(opened=F("opened") + 1, last_opened_at=timezone.now())


def forget_ended_links() -> int:
    """Delete a batch of links that ended long ago; returns how many."""
    long_ago = timezone.now() - KEPT_AFTER_END
    keys = Link.objects.filter(expires_at__lt=long_ago).values_list("pk", flat=True)
    return Link.objects.filter(pk__in=list(keys[:_FORGOTTEN_AT_ONCE])).delete()[0]
