"""What a plan comes to: pictures, thumbnails, bytes, time, and what people lose."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum
from django.utils import timezone

from accounts.models import Invitation, User
from images.ledger import STORED_BYTES, Usage
from images.models import Link
from plans.losses import accounts_of, loses_by
from plans.models import TierPlan
from plans.sampling import Present, ThumbnailKind, look_at_pictures, newest_kinds
from plans.sizes import ThumbnailSizes
from thumbnails.pace import measured_pace
from tiers.services import HEIGHTS


@dataclass(frozen=True, slots=True)
class Counts:
    """What a plan would do now. The thumbnails and their bytes are estimated where `sampled` > 0.

    Pictures that wait for thumbnails at this moment get them anyway, and those that failed are
    tried again: neither counts among the thumbnails.
    """

    accounts: int
    pictures: int
    failed_pictures: int
    thumbnails_made: int
    thumbnails_replaced: int
    thumbnails_removed: int
    bytes_made: int
    bytes_removed: int
    # At the pace of the last day; None where nothing was rendered in it.
    seconds: float | None
    lose_originals: int
    links_ended: int
    over_quota: int
    invitations_ended: int
    # Accounts that are allowed less of something, and are told where the plan is announced.
    told: int
    # Pictures that were looked at where these were not all, else 0.
    sampled: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def count_consequences(plan: TierPlan, new: Mapping[str, Any]) -> Counts:
    """Return what a plan would do, where `new` is what the accounts' tier will say.

    As many queries however many pictures there are: the ledger says how many, and above
    `sampling.EXACT_UP_TO` of them thumbnails are estimated.
    """
    accounts = accounts_of(plan)
    loses = loses_by(plan, new, before=plan.basis.get("tier"))
    numbers = accounts.aggregate(all=Count("pk"), told=Count("pk", filter=loses))
    usage = _look_at_usage(accounts, new)
    present = look_at_pictures(accounts, usage["pictures"])
    made, removed, replaced = _compare(present, new)
    sizes = ThumbnailSizes({**newest_kinds(), **present.thumbnails}, quality=new["quality"])
    thumbnails = _scale(sum(made.values()), present)
    pace = measured_pace()
    return Counts(
        accounts=numbers["all"],
        pictures=usage["pictures"],
        failed_pictures=_scale(present.failed, present),
        thumbnails_made=thumbnails,
        thumbnails_replaced=_scale(replaced[0], present),
        thumbnails_removed=_scale(removed[0], present),
        bytes_made=_scale(sum(n * sizes.of(height) for height, n in made.items()), present),
        bytes_removed=_scale(removed[1] + replaced[1], present),
        seconds=pace.seconds_for(thumbnails) if pace else None,
        lose_originals=usage["lose_originals"],
        links_ended=0 if new["grants_links"] else _count_ended_links(accounts),
        over_quota=usage["over_quota"],
        invitations_ended=_count_ended_invitations(plan),
        told=numbers["told"],
        sampled=present.sampled,
    )


def _look_at_usage(accounts: QuerySet[User], new: Mapping[str, Any]) -> dict[str, int]:
    """Return what the ledger says of some accounts, by one query."""
    over = Q(pk__in=[])
    if new["max_pictures"] is not None:
        over |= Q(pictures__gt=new["max_pictures"])
    if new["max_stored_bytes"] is not None:
        over |= Q(stored__gt=new["max_stored_bytes"])
    loses = Q(owner__tier__grants_original=True, owner__is_superuser=False, pictures__gt=0)
    rows = Usage.objects.filter(owner__in=accounts).annotate(stored=STORED_BYTES)
    found = rows.aggregate(
        sum=Sum("pictures"), over=Count("pk", filter=over), loses=Count("pk", filter=loses)
    )
    return {
        "pictures": max(0, found["sum"] or 0),
        "over_quota": found["over"],
        "lose_originals": 0 if new["grants_original"] else found["loses"],
    }


def _compare(
    present: Present, new: Mapping[str, Any]
) -> tuple[dict[int, int], tuple[int, int], tuple[int, int]]:
    """Return thumbnails to make by height; numbers and bytes of those that go, and are replaced."""
    fresh = dict.fromkeys(new[HEIGHTS], 0)
    removed, replaced = (0, 0), (0, 0)
    for kind, (count, size) in present.thumbnails.items():
        if kind.height not in fresh:
            removed = removed[0] + count, removed[1] + size
        elif _is_fresh(kind, new):
            fresh[kind.height] += count
        else:
            replaced = replaced[0] + count, replaced[1] + size
    made = {height: max(0, present.ready - count) for height, count in fresh.items()}
    return made, removed, replaced


def _is_fresh(kind: ThumbnailKind, new: Mapping[str, Any]) -> bool:
    return not kind.is_stale and kind.quality == new["quality"]


def _scale(number: float, present: Present) -> int:
    """Return a number of the pictures that were looked at as one of all; three figures of it."""
    if not present.sampled:
        return round(number)
    scaled = round(number * present.factor)
    return round(scaled, 3 - len(str(scaled))) if scaled else 0


def _count_ended_links(accounts: QuerySet[User]) -> int:
    """Count the links that open now by what their makers' tiers grant; staff's own stay."""
    makers = accounts.filter(is_superuser=False, is_active=True, tier__grants_links=True)
    links = Link.objects.with_openings().filter(revoked_at=None, expires_at__gt=timezone.now())
    return links.filter(maker__in=makers, picture__owner=F("maker")).count()


def _count_ended_invitations(plan: TierPlan) -> int:
    if plan.kind != TierPlan.Kind.DELETE:
        return 0
    return Invitation.objects.open().filter(tier=plan.tier).count()
