"""Changes of tiers that no plan preceded: each is a plan that was applied at once."""

from uuid import UUID

from django.utils import timezone

from accounts.models import User
from plans.models import PlannedAccount, PlannedBackfill, PlanStep, TierPlan
from plans.steps import applying, name_tiers, note, supersede
from thumbnails.models import Backfill


def adopt_backfill(backfill: Backfill) -> None:
    """Note whose backfill it is: that of the plan that is being applied, else of one made for it.

    So whatever changes a tier directly is a plan that was applied at once, and ends the one that
    is under way for the tier.
    """
    plan = applying() or _record_direct_change(backfill)
    PlannedBackfill.objects.create(plan=plan, backfill=backfill)


def _record_direct_change(backfill: Backfill) -> TierPlan:
    now, owner_id = timezone.now(), backfill.owner_id
    accounts = [owner_id] if owner_id else [UUID(each) for each, _ in backfill.accounts]
    moves, target = bool(accounts), backfill.tier
    if owner_id:
        target = User.objects.select_related("tier").get(pk=owner_id).tier
    plan = TierPlan(
        kind=TierPlan.Kind.MOVE if moves else TierPlan.Kind.CHANGE,
        tier=None if moves else backfill.tier,
        target=target if moves else None,
        applied_at=now,
        running_since=now,
        accounts_moved=len(accounts),
        has_moved_all=True,
    )
    name_tiers(plan)
    plan.save()
    # Of a tier one is under way: the former one ends before this one begins.
    if plan.tier:
        supersede(plan.tier, plan)
    plan.state = TierPlan.State.RUNNING
    plan.save(update_fields=["state"])
    PlannedAccount.objects.bulk_create(
        PlannedAccount(plan=plan, account_id=each, former_tier_id=0, is_done=True)
        for each in accounts
    )
    note(plan, PlanStep.Kind.DIRECT, None)
    return plan
