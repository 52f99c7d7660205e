"""Expiring links: signed tokens, and the rows that say what they give, and count their use.

A token is `<row id>.<signature>` with the number in base 36, so that a forged one is refused
without a query, and a change of the row changes no address. Releases before wrote
`<row id>.<end>.<signature>`; such a token ends at its own end, if not before with its row.
`images.link_visits` is about links that ask first: for a password, or for one of their openings.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, OuterRef, Subquery
from django.utils import timezone
from django.utils.http import base36_to_int, int_to_base36

from accounts.models import User
from accounts.security_log import record_event
from images.changes import announce_change
from images.exceptions import LinkDurationOutOfBounds, LinkGone, LinkNotGranted, LinkRevoked
from images.first_openings import count_first
from images.link_passwords import hash_link_password
from images.models import Link, Picture
from images.permissions import PicturePermission, reaches_others
from images.services import lock_picture
from lib.batches import BATCH_SIZE, delete_batch
from lib.compiled_query import CompiledQuery
from lib.signing import make_signature, verify_signature

_PURPOSE = "link"
# Staff can look at an expired link for this long; its token is invalid as soon as it expires.
RETENTION = timedelta(days=30)
_link_by_id = CompiledQuery(Link.objects.with_picture, "id")
_target_by_id = CompiledQuery(Link.objects.with_target, "id")


@dataclass(frozen=True, slots=True)
class LinkToken:
    """The row that a token refers to.

    Tokens of the former form bear when they expire, in seconds since 1970.
    """

    link_id: int
    expires: int | None = None


def write_token(token: LinkToken) -> str:
    message = int_to_base36(token.link_id)
    if token.expires is not None:
        message += f".{int_to_base36(token.expires)}"
    return f"{message}.{make_signature(_PURPOSE, message)}"


def read_token(text: str) -> LinkToken | None:
    """Return the content of a token, None if its signature is invalid."""
    message, _, given_signature = text.rpartition(".")
    if not message or not verify_signature(_PURPOSE, message, given_signature):
        return None
    link_id, _, expires = message.partition(".")
    return LinkToken(base36_to_int(link_id), base36_to_int(expires) if expires else None)


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


def make_link(
    *,
    maker: User,
    picture: Picture,
    seconds: int,
    max_opens: int | None = None,
    password: str = "",
    note: str = "",
    cache_seconds: int = 0,
) -> tuple[Link, str]:
    """Make a link that expires after so many seconds; return its row and token.

    Raise LinkNotGranted (see `may_link`), LinkDurationOutOfBounds when the maker's tier does not
    allow the duration, ValidationError for bytes that may be kept though the link asks first, and
    Picture.DoesNotExist when the picture was deleted meanwhile.
    """
    if not may_link(maker, picture):
        raise LinkNotGranted
    if cache_seconds and (password or max_opens is not None):
        raise ValidationError({"cache_seconds": "Not with a password or with max_opens."})
    link = Link(
        picture=picture,
        maker=maker,
        expires_at=_end(maker, seconds),
        max_opens=max_opens,
        # Hashed before the transaction, which on SQLite holds up every other.
        password=hash_link_password(password) if password else "",
        note=note,
        cache_seconds=cache_seconds,
    )
    with transaction.atomic():
        lock_picture(picture.pk)
        link.save(force_insert=True)
        record_event("link.made", picture.owner_id, link=link.pk, picture=str(picture.uid))
    return link, write_token(LinkToken(link.pk))


def _end(maker: User, seconds: int) -> datetime:
    """Return when a link that is given so many seconds from now expires."""
    tier = maker.tier
    if not tier.link_min_seconds <= seconds <= tier.link_max_seconds:
        raise LinkDurationOutOfBounds(tier.link_min_seconds, tier.link_max_seconds)
    return (timezone.now() + timedelta(seconds=seconds)).replace(microsecond=0)


@transaction.atomic
def change_link(
    link: Link, *, changer: User, seconds: int | None = None, note: str | None = None
) -> None:
    """Let a link expire so many seconds from now, or change its note; None leaves what is there.

    Raise LinkNotGranted unless the changer may make such a link, LinkDurationOutOfBounds as
    `make_link` does, LinkRevoked where no time can be given, and Link.DoesNotExist when it was
    deleted meanwhile.
    """
    row = Link.objects.filter(pk=link.pk)
    announce_change(link.picture.owner_id)
    if note is not None and not row.update(note=note):
        raise Link.DoesNotExist
    if seconds is None:
        return
    if not may_link(changer, link.picture):
        raise LinkNotGranted
    expires_at = _end(changer, seconds)
    if not row.filter(revoked_at=None).update(expires_at=expires_at):
        raise LinkRevoked
    record_event("link.changed", link.picture.owner_id, link=link.pk, expires=str(expires_at))


@transaction.atomic
def revoke_links_of(owner: User) -> int:
    """Revoke every link to an account's pictures, whoever made it; return how many were not yet."""
    now = timezone.now()
    # Rows of an older release do not say whose they are; the index finds those few.
    without_owner = Link.objects.filter(owner=None, picture__owner=owner)
    revoked = sum(
        links.filter(revoked_at=None).update(revoked_at=now)
        for links in (Link.objects.filter(owner=owner), without_owner)
    )
    if revoked:
        record_event("link.revoked", owner, count=revoked)
        announce_change(owner.pk)
    return revoked


def open_link(token: LinkToken) -> Link:
    """Return a link that is not over, with its picture, owner and maker; raise LinkGone.

    Where it asks first, its openings may be used up. It takes one query, and two more for a link
    that staff made for another.
    """
    if token.expires is not None and token.expires <= timezone.now().timestamp():
        raise LinkGone
    return _require_open(_link_by_id.first(token.link_id))


def open_own_link(token: LinkToken) -> Link | None:
    """Return a link as `open_link` does, with little more than what leads to its bytes.

    Return None for one that staff made for another: that takes more to decide.
    """
    link = _target_by_id.first(token.link_id)
    if link is not None:
        if link.maker_id != link.picture.owner_id:
            return None
        link.maker = link.picture.owner
    return _require_open(link)


def _require_open(link: Link | None) -> Link:
    now = timezone.now()
    if link is None or link.is_over(now):
        raise LinkGone
    # A maker who is disabled has no right to any link.
    if not link.picture.owner.is_active or not may_link(link.maker, link.picture):
        raise LinkGone
    return link


def count_opening(link: Link) -> None:
    now = timezone.now()
    if link.opened or not count_first(link.pk, link.picture_id, count=1, at=now):
        Link.objects.filter(pk=link.pk).update(opened=F("opened") + 1, last_opened_at=now)


def delete_ended_links() -> int:
    """Delete a batch of links whose retention is over; return how many were deleted."""
    past_retention = Link.objects.filter(expires_at__lt=timezone.now() - RETENTION)
    return delete_batch(past_retention)


def set_missing_owners() -> int:
    """Write the owner into a batch of rows of an older release; return how many there were."""
    missing = list(Link.objects.filter(owner=None).values_list("pk", flat=True)[:BATCH_SIZE])
    owner = Picture.objects.filter(pk=OuterRef("picture_id")).values("owner_id")
    return Link.objects.filter(pk__in=missing).update(owner_id=Subquery(owner))
