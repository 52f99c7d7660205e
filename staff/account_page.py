"""What an account's page shows beside its form: pictures, links, sessions and plans at a glance."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from accounts.models import Session, User
from images.models import Link, Picture
from images.permissions import PicturePermission, reaches_others
from images.signed_urls import signed_url
from plans.losses import plans_of
from plans.models import TierPlan
from plans.permissions import kinds_for
from plans.warnings import planned_changes_of
from plans.wording import name_fields
from thumbnails.models import Thumbnail

_MAX_PICTURES, _MAX_LINKS, _MAX_SESSIONS, _MAX_PLANS = 24, 5, 5, 5
# In pixels: the smallest thumbnail that is at least so tall, shown no taller.
STRIP_HEIGHT = 96


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture of the strip; without an address it has no thumbnail."""

    picture: Picture
    address: str


@dataclass(frozen=True, slots=True)
class Glance:
    """The newest of an account's rows; None where the viewer may not see any of the kind."""

    account: User
    pictures: list[Shown] | None
    links: list[Link] | None
    live_links: int
    sessions: list[Session] | None
    live_sessions: int
    plans: list[TierPlan] | None
    # What those of them take that were announced, and when.
    losses: list[tuple[datetime | None, list[str]]]


def glance_at(account: User, viewer: User) -> Glance:
    """Return what somebody may see of an account, by a few queries of its newest rows."""
    sees_pictures = account == viewer or reaches_others(viewer, PicturePermission.VIEW)
    sees_links = viewer.has_perm("images.view_link")
    sees_sessions = viewer.has_perm("accounts.view_session")
    links = Link.objects.filter(owner=account)
    live = links.with_openings().filter(revoked_at=None, expires_at__gt=timezone.now())
    sessions = Session.objects.of(account)
    kinds = kinds_for(viewer)
    return Glance(
        account=account,
        pictures=_newest_pictures(account) if sees_pictures else None,
        links=list(_newest(links.select_related("picture"), _MAX_LINKS)) if sees_links else None,
        live_links=live.count() if sees_links else 0,
        sessions=list(_newest(sessions, _MAX_SESSIONS)) if sees_sessions else None,
        live_sessions=sessions.live().count() if sees_sessions else 0,
        plans=list(_newest(plans_of(account, kinds), _MAX_PLANS)) if kinds else None,
        losses=[(each.at, name_fields(each.takes)) for each in planned_changes_of(account)]
        if kinds
        else [],
    )


def _newest(rows: Any, count: int) -> Any:
    return rows.order_by("-created_at", "-id")[:count]


def _newest_pictures(account: User) -> list[Shown]:
    pictures = list(_newest(Picture.objects.owned_by(account), _MAX_PICTURES))
    thumbnails = Thumbnail.objects.filter(picture__in=pictures).order_by("-height")
    chosen: dict[int, str] = {}
    for each in thumbnails:
        # From the tallest down: the last that is tall enough, or the tallest of all.
        if each.height >= STRIP_HEIGHT or each.picture_id not in chosen:
            chosen[each.picture_id] = each.key
    return [
        Shown(each, signed_url(chosen[each.pk]) if each.pk in chosen else "") for each in pictures
    ]
