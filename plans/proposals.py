"""Make plans and count them; nothing of what they plan is done here."""

from collections.abc import Collection, Mapping
from copy import copy
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from lib.batches import in_batches
from plans.counting import count_consequences
from plans.exceptions import PlanRefused
from plans.models import PlannedAccount, PlanStep, TierPlan
from plans.steps import basis_of, name_tiers, named, note, require
from tiers.models import DEFAULT_TIER_NAME, Tier, TierHeight
from tiers.services import FIELDS, HEIGHTS, values_of

# Of accounts that are chosen one by one.
MAX_CHOSEN_ACCOUNTS = 20_000
_ROWS_AT_ONCE = 2_000
# What nobody has saved or applied for so long is forgotten.
PROPOSAL_RETENTION = timedelta(days=1)


def propose_change(*, tier: Tier, values: Mapping[str, Any], by: User | None) -> TierPlan:
    """Plan to have a tier say other values; with none that differ, to make what is missing.

    Raise ValidationError by field for values that a tier cannot have.
    """
    before = values_of(tier)
    after = {**before, **values, HEIGHTS: sorted(set(values.get(HEIGHTS, before[HEIGHTS])))}
    _validate(tier, after)
    changes = {name: [before[name], after[name]] for name in after if after[name] != before[name]}
    return _propose(TierPlan(kind=TierPlan.Kind.CHANGE, tier=tier, changes=changes), by)


def _validate(tier: Tier, values: Mapping[str, Any]) -> None:
    if unknown := set(values) - {*FIELDS, HEIGHTS}:
        raise ValidationError(dict.fromkeys(unknown, "A tier has nothing of this name."))
    wanted = copy(tier)
    for name in FIELDS:
        setattr(wanted, name, values[name])
    wanted.full_clean()
    for height in values[HEIGHTS]:
        TierHeight(tier=tier, height=height).clean_fields(exclude=["tier"])


def propose_move(
    *,
    accounts: QuerySet[User] | None = None,
    former: Tier | None = None,
    target: Tier | None,
    by: User | None,
) -> TierPlan:
    """Plan to move some accounts, or all of a tier, to another; without a target it is chosen then.

    Raise PlanRefused for more than MAX_CHOSEN_ACCOUNTS accounts.
    """
    plan = TierPlan(kind=TierPlan.Kind.MOVE, tier=former, target=target)
    if former is not None and former == target:
        raise PlanRefused(_("Choose another tier."))
    chosen = [] if accounts is None else list(_choose(accounts))
    return _propose(plan, by, chosen)


def _choose(accounts: QuerySet[User]) -> Collection[tuple[UUID, int]]:
    rows = accounts.order_by("pk").values_list("pk", "tier_id")[: MAX_CHOSEN_ACCOUNTS + 1]
    chosen = list(rows)
    if len(chosen) > MAX_CHOSEN_ACCOUNTS:
        raise PlanRefused(
            _("At most %(count)d accounts can be chosen; move all of a tier instead."),
            params={"count": MAX_CHOSEN_ACCOUNTS},
        )
    return chosen


def propose_deletion(*, tier: Tier, target: Tier | None, by: User | None) -> TierPlan:
    """Plan to move a tier's accounts to another, and to delete it then.

    Raise PlanRefused where new accounts get this tier.
    """
    if tier.name in {DEFAULT_TIER_NAME, settings.SIGNUP_TIER}:
        raise PlanRefused(_("New accounts get this tier, so that it cannot be deleted."))
    if tier == target:
        raise PlanRefused(_("Choose another tier."))
    return _propose(TierPlan(kind=TierPlan.Kind.DELETE, tier=tier, target=target), by)


def _propose(
    plan: TierPlan, by: User | None, chosen: Collection[tuple[UUID, int]] = ()
) -> TierPlan:
    old = timezone.now() - PROPOSAL_RETENTION
    TierPlan.objects.filter(state=TierPlan.State.PROPOSED, created_at__lt=old).delete()
    plan.maker_id, plan.maker_name = named(by)
    name_tiers(plan)
    with transaction.atomic():
        plan.save()
        for some in in_batches(list(chosen), _ROWS_AT_ONCE):
            PlannedAccount.objects.bulk_create(
                PlannedAccount(plan=plan, account_id=account_id, former_tier_id=tier_id)
                for account_id, tier_id in some
            )
        note(plan, PlanStep.Kind.MADE, by)
    count_plan(plan)
    return plan


def needs_target(plan: TierPlan) -> bool:
    """Return whether it has yet to be chosen where accounts move."""
    if plan.target is not None or plan.kind == TierPlan.Kind.CHANGE:
        return False
    return plan.kind == TierPlan.Kind.MOVE or User.objects.filter(tier=plan.tier).exists()


def count_plan(plan: TierPlan) -> None:
    """Count what an undecided plan comes to now, and what the tiers say now.

    Not in a transaction that has written: counting takes time. Nothing where a target is missing.
    """
    if needs_target(plan):
        return
    plan.basis = basis_of(plan)
    plan.counts = count_consequences(plan, _values_after(plan)).as_json()
    plan.counted_at = timezone.now()
    columns = {name: getattr(plan, name) for name in ("basis", "counts", "counted_at")}
    TierPlan.objects.undecided().filter(pk=plan.pk).update(**columns)


def _values_after(plan: TierPlan) -> dict[str, Any]:
    """Return what the accounts' tier says once the plan is done."""
    basis: dict[str, Any] = plan.basis["target"] or plan.basis["tier"]
    return {**basis, **{name: after for name, (_before, after) in plan.changes.items()}}


def count_anew(plan: TierPlan, *, by: User | None) -> None:
    """Count an undecided plan again: what it changes, by the values that it gives the tier."""
    require(plan.is_undecided, _("This plan is decided already."))
    if plan.kind == TierPlan.Kind.CHANGE and plan.tier:
        before = values_of(plan.tier)
        after = {name: pair[1] for name, pair in plan.changes.items()}
        plan.changes = {
            name: [before[name], value] for name, value in after.items() if value != before[name]
        }
        TierPlan.objects.undecided().filter(pk=plan.pk).update(changes=plan.changes)
    count_plan(plan)
    note(plan, PlanStep.Kind.COUNTED, by)


def choose_target(plan: TierPlan, target: Tier, *, by: User | None) -> None:
    """Choose where the accounts of an undecided plan move."""
    require(plan.is_undecided, _("This plan is decided already."))
    require(plan.tier != target, _("Choose another tier."))
    plan.target = target
    name_tiers(plan)
    TierPlan.objects.undecided().filter(pk=plan.pk).update(
        target=target, target_name=plan.target_name
    )
    count_anew(plan, by=by)


def save_for_later(plan: TierPlan, *, by: User | None) -> None:
    """Keep a plan that is not decided."""
    with transaction.atomic():
        kept = TierPlan.objects.undecided().filter(pk=plan.pk)
        require(kept.update(state=TierPlan.State.SAVED), _("This plan is decided already."))
        note(plan, PlanStep.Kind.SAVED, by)


def discard(plan: TierPlan) -> None:
    """Forget a plan that is not decided, and of which nobody was told."""
    TierPlan.objects.undecided().filter(pk=plan.pk, warned_at=None).delete()


def propose_rest(plan: TierPlan, *, by: User | None) -> TierPlan:
    """Plan what a cancelled plan has left undone."""
    if plan.kind == TierPlan.Kind.CHANGE and plan.tier:
        return propose_change(tier=plan.tier, values={}, by=by)
    if plan.kind == TierPlan.Kind.DELETE and plan.tier:
        return propose_deletion(tier=plan.tier, target=plan.target, by=by)
    if plan.tier:
        return propose_move(former=plan.tier, target=plan.target, by=by)
    left = plan.chosen.filter(is_done=False).values("account_id")
    return propose_move(accounts=User.objects.filter(pk__in=left), target=plan.target, by=by)


def propose_way_back(plan: TierPlan, *, by: User | None) -> TierPlan:
    """Plan to have a tier say again what it said before a plan of a change was applied."""
    tier = plan.tier
    require(plan.kind == TierPlan.Kind.CHANGE and tier is not None, _("There is no way back."))
    before = {name: pair[0] for name, pair in plan.changes.items()}
    return propose_change(tier=tier or Tier(), values=before, by=by)
