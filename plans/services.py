"""Apply plans, and let them rest, go on or end.

Whoever applies locks the tiers first, in the order of their ids, then plans: a tier that changed
since it was counted makes the plan stale, and of several plans that change a tier one is under way.
A plan of a change writes the tier in the commit that applies it. Accounts move in batches
afterwards (`plans.moving`), each batch with its commit; their thumbnails follow by backfills.
"""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from plans.clock import stop_clock
from plans.exceptions import PlanStale
from plans.models import PlanStep, TierPlan
from plans.progress import backfills_of
from plans.signals import work_waits
from plans.steps import (
    applied_by,
    basis_of,
    end,
    end_if_done,
    lock,
    lock_tiers,
    named,
    note,
    require,
    supersede,
)
from tiers.models import Tier
from tiers.services import OF_THUMBNAILS, announce_thumbnail_change, change_tier


@transaction.atomic
def apply_plan(plan: TierPlan, *, by: User | None) -> None:
    """Apply an undecided plan; one that is under way for the same tier ends for it.

    Raise PlanStale where a tier changed since it was counted, PlanRefused where the plan is decided
    already, lacks a target, or a tier of it is about to be deleted.
    """
    lock_tiers(plan)
    lock(plan)
    require(plan.is_undecided, _("This plan is decided already."))
    require(plan.counts is not None, _("Choose a tier first."))
    if basis_of(plan) != plan.basis:
        raise PlanStale(_("A tier has changed since this was counted: count anew."))
    _refuse_ending_tiers(plan)
    now = timezone.now()
    plan.applied_at = plan.running_since = now
    plan.applier_id, plan.applier_name = named(by)
    plan.is_telling = False
    note(plan, PlanStep.Kind.APPLIED, by)
    if plan.kind == TierPlan.Kind.CHANGE and plan.tier:
        _change(plan, plan.tier)
        return
    if plan.kind == TierPlan.Kind.DELETE and plan.tier:
        supersede(plan.tier, plan)
    plan.state = TierPlan.State.RUNNING
    plan.save()
    work_waits.send(sender=TierPlan)


def _change(plan: TierPlan, tier: Tier) -> None:
    """Write what the tier says from now on; the thumbnails, if it is about them, follow."""
    plan.has_moved_all = True
    if touches_thumbnails(plan):
        supersede(tier, plan)
        plan.state = TierPlan.State.RUNNING
    plan.save()
    with applied_by(plan):
        if plan.changes:
            change_tier(tier=tier, changes={name: pair[1] for name, pair in plan.changes.items()})
        else:
            announce_thumbnail_change(tier)
    if not touches_thumbnails(plan):
        end(plan, TierPlan.State.DONE)
        note(plan, PlanStep.Kind.DONE, None)


def touches_thumbnails(plan: TierPlan) -> bool:
    """Return whether a plan of a change has thumbnails made or removed, and so takes time."""
    return not plan.changes or not OF_THUMBNAILS.isdisjoint(plan.changes)


def _refuse_ending_tiers(plan: TierPlan) -> None:
    """Refuse what concerns a tier that is deleted, and to delete a tier that accounts move to."""
    under_way = TierPlan.objects.under_way()
    deletions = under_way.filter(kind=TierPlan.Kind.DELETE)
    ends = bool(plan.target_id) and deletions.filter(tier=plan.target_id).exists()
    if plan.kind == TierPlan.Kind.CHANGE:
        ends = deletions.filter(tier=plan.tier_id).exists()
    require(not ends, _("Another plan deletes this tier."))
    if plan.kind == TierPlan.Kind.DELETE:
        is_target = under_way.filter(target=plan.tier_id).exists()
        require(not is_target, _("Another plan moves accounts to this tier."))


@transaction.atomic
def pause(plan: TierPlan, *, by: User | None) -> None:
    """Let a running plan rest; what it has requested already is still rendered."""
    lock(plan)
    require(plan.state == TierPlan.State.RUNNING, _("This plan does not run."))
    backfills_of(plan).pause()
    stop_clock(plan)
    plan.state = TierPlan.State.PAUSED
    plan.save(update_fields=["state", "ran_seconds", "running_since"])
    note(plan, PlanStep.Kind.PAUSED, by)


@transaction.atomic
def resume(plan: TierPlan, *, by: User | None) -> None:
    """Let a paused plan go on from where it is."""
    lock(plan)
    require(plan.state == TierPlan.State.PAUSED, _("This plan is not paused."))
    backfills_of(plan).resume()
    plan.state, plan.running_since = TierPlan.State.RUNNING, timezone.now()
    plan.save(update_fields=["state", "running_since"])
    note(plan, PlanStep.Kind.RESUMED, by)
    end_if_done(plan)
    work_waits.send(sender=TierPlan)


@transaction.atomic
def cancel(plan: TierPlan, *, by: User | None) -> None:
    """End a plan where it is: what is made stays, and nothing is undone.

    The tier says what the plan has written. Accounts that were not moved keep their tier, and
    pictures that were not reached keep the thumbnails that they had.
    """
    lock(plan)
    require(plan.is_under_way, _("This plan is not under way."))
    end(plan, TierPlan.State.CANCELLED)
    note(plan, PlanStep.Kind.CANCELLED, by)
