"""What a plan takes from accounts, and from which."""

import math
from collections.abc import Collection, Mapping
from typing import Any

from django.db.models import Q, QuerySet

from accounts.models import User
from plans.models import PlannedAccount, TierPlan
from tiers.models import Tier
from tiers.services import HEIGHTS, values_of

# Of a tier's fields, those of which less is worse; None is no limit.
_MORE_IS_BETTER = (
    "link_max_seconds", "max_upload_bytes", "max_pixels", "max_pictures", "max_stored_bytes",
)  # fmt: skip


def takes_of(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the fields of a tier by which an account is allowed less than before."""
    taken = []
    if not set(before[HEIGHTS]) <= set(after[HEIGHTS]):
        taken.append(HEIGHTS)
    taken += [
        name for name in ("grants_original", "grants_links") if before[name] and not after[name]
    ]
    compared = [name for name in _MORE_IS_BETTER if _amount(after[name]) < _amount(before[name])]
    if before["link_min_seconds"] < after["link_min_seconds"]:
        compared.insert(0, "link_min_seconds")
    has_links = before["grants_links"] and after["grants_links"]
    return taken + [name for name in compared if has_links or not name.startswith("link_")]


def _amount(limit: int | None) -> float:
    return math.inf if limit is None else limit


def accounts_of(plan: TierPlan) -> QuerySet[User]:
    """Return the accounts that a plan concerns; none of those that are being removed."""
    accounts = User.objects.filter(removal_due_at=None)
    if plan.kind == TierPlan.Kind.MOVE:
        accounts = accounts.exclude(tier=plan.target)
    if plan.tier is not None:
        return accounts.filter(tier=plan.tier)
    chosen = PlannedAccount.objects.filter(plan=plan, is_done=False)
    return accounts.filter(pk__in=chosen.values("account_id"))


def plans_of(account: User, kinds: Collection[str]) -> QuerySet[TierPlan]:
    """Return saved and applied plans of some kinds that were made for an account, or its tier."""
    plans = TierPlan.objects.exclude(state=TierPlan.State.PROPOSED).filter(kind__in=kinds)
    chosen = PlannedAccount.objects.filter(account_id=account.pk).values("plan")
    return plans.filter(Q(tier=account.tier_id) | Q(pk__in=chosen))


def loses_by(
    plan: TierPlan, new: Mapping[str, Any], *, before: Mapping[str, Any] | None = None
) -> Q:
    """Return a condition on the accounts of a plan: it takes something from them.

    `new` is what they will have, `before` what the tier of all of them says where that is known.
    Superusers are bound by no tier, and who is disabled reads nothing. Two queries at most.
    """
    if before is not None and plan.tier_id is not None:
        losing = [plan.tier_id] if takes_of(before, new) else []
    else:
        losing = _losing_tiers(plan, new)
    return Q(is_superuser=False, is_active=True, tier__in=losing)


def _losing_tiers(plan: TierPlan, new: Mapping[str, Any]) -> list[int]:
    tiers = Tier.objects.filter(pk__in=accounts_of(plan).values("tier")).prefetch_related("heights")
    return [each.pk for each in tiers if takes_of(loaded_values_of(each), new)]


def loaded_values_of(tier: Tier) -> dict[str, Any]:
    """Return what a tier says whose heights are loaded."""
    return values_of(tier, heights=[each.height for each in tier.heights.all()])
