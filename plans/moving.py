"""Move the accounts of plans, batch by batch."""

from uuid import UUID

from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.db.models import ProtectedError

from accounts.models import User
from accounts.security_log import record_event
from accounts.services import move_accounts
from plans.models import PlannedAccount, PlanStep, TierPlan
from plans.steps import applied_by, end_if_done, lock, lock_tiers, note
from thumbnails.backfills import MAX_ACCOUNTS
from tiers.models import Tier


def move_next_accounts() -> bool:
    """Move a batch of the accounts of a running plan; return whether there was such a plan.

    A batch is a commit. What dies with a process is done again by the next; accounts that have
    another tier by then are skipped.
    """
    waiting = TierPlan.objects.filter(state=TierPlan.State.RUNNING, has_moved_all=False)
    plan = waiting.with_tiers().order_by("pk").first()
    if plan is None:
        return False
    with transaction.atomic():
        lock_tiers(plan)
        lock(plan)
        if plan.state != TierPlan.State.RUNNING or plan.has_moved_all:
            return True
        plan.has_moved_all = not _move_batch(plan) and _is_tier_settled(plan)
        plan.save(update_fields=["accounts_moved", "accounts_skipped", "has_moved_all"])
        end_if_done(plan)
    return True


def _move_batch(plan: TierPlan) -> bool:
    """Move at most as many accounts as one backfill takes; return whether there were any."""
    if plan.target is None:
        return False
    former = _next_accounts(plan)
    with applied_by(plan):
        moved = [
            user_id
            for tier_id, ids in former.items()
            for user_id in move_accounts(ids, plan.target, former=Tier(pk=tier_id))
        ]
    count = sum(len(ids) for ids in former.values())
    plan.accounts_moved += len(moved)
    plan.accounts_skipped += count - len(moved)
    PlannedAccount.objects.filter(
        plan=plan, account_id__in=[each for ids in former.values() for each in ids]
    ).update(is_done=True)
    _log_moves(plan, moved)
    return count > 0


def _next_accounts(plan: TierPlan) -> dict[int, list[UUID]]:
    """Return accounts whose turn is next, by the tier that they should still have."""
    if plan.tier_id:
        every = User.objects.filter(tier=plan.tier_id).order_by("pk")
        ids = list(every.values_list("pk", flat=True)[:MAX_ACCOUNTS])
        return {plan.tier_id: ids} if ids else {}
    chosen = PlannedAccount.objects.filter(plan=plan, is_done=False).order_by("account_id")
    former: dict[int, list[UUID]] = {}
    for account_id, tier_id in chosen.values_list("account_id", "former_tier_id")[:MAX_ACCOUNTS]:
        former.setdefault(tier_id, []).append(account_id)
    return former


def _log_moves(plan: TierPlan, moved: list[UUID]) -> None:
    """Let each account's history say who moved it, as if it was done on its page."""
    by = plan.applier_id
    if not moved or by is None or not User.objects.filter(pk=by).exists():
        return
    LogEntry.objects.log_actions(
        user_id=by,
        queryset=User.objects.filter(pk__in=moved).order_by("pk"),
        action_flag=CHANGE,
        change_message=[{"changed": {"fields": ["tier"]}}],
    )


def _is_tier_settled(plan: TierPlan) -> bool:
    """Delete the tier of a plan of that kind; return False where an account just got it."""
    if plan.kind != TierPlan.Kind.DELETE or plan.tier is None:
        return True
    gone = str(plan.tier.pk)
    try:
        with transaction.atomic():
            plan.tier.delete()
            record_event("admin.deleted", model="tier", object=gone, plan=plan.pk)
    except ProtectedError:
        return False
    plan.tier = None
    note(plan, PlanStep.Kind.DELETED, None)
    return True
