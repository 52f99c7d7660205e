"""What every step of a plan is made of: locks, rows of the history, and its end."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from plans.clock import stop_clock
from plans.exceptions import PlanRefused, PlanStale
from plans.models import PlanStep, TierPlan
from plans.progress import backfills_of, measure_outcome
from tiers.models import Tier
from tiers.services import values_of

_applying: ContextVar[TierPlan | None] = ContextVar("plan that is being applied", default=None)


def applying() -> TierPlan | None:
    """Return the plan to which backfills belong that are started now."""
    return _applying.get()


def require(condition: object, message: str) -> None:
    if not condition:
        raise PlanRefused(message)


def named(by: User | None) -> tuple[UUID | None, str]:
    return (by.pk, by.username) if by else (None, "")


def note(
    plan: TierPlan, kind: PlanStep.Kind, by: User | None, *, other_id: int | None = None
) -> None:
    by_id, by_name = named(by)
    PlanStep.objects.create(plan=plan, kind=kind, by_id=by_id, by_name=by_name, other_id=other_id)


def name_tiers(plan: TierPlan) -> None:
    plan.tier_name = plan.tier.name if plan.tier else ""
    plan.target_name = plan.target.name if plan.target else ""


def basis_of(plan: TierPlan) -> dict[str, Any]:
    """Return what the tiers say on which the plan rests."""
    tiers = {"tier": plan.tier, "target": plan.target}
    return {name: values_of(tier) if tier else None for name, tier in tiers.items()}


def lock_tiers(plan: TierPlan) -> None:
    """Lock the tiers until the commit, and load what they say now."""
    pks = {each for each in (plan.tier_id, plan.target_id) if each is not None}
    rows = Tier.objects.filter(pk__in=pks).order_by("pk").select_for_update(no_key=True)
    by_pk = {each.pk: each for each in rows}
    if len(by_pk) < len(pks):
        raise PlanStale(_("A tier of this plan is not there any more."))
    plan.tier, plan.target = by_pk.get(plan.tier_id or 0), by_pk.get(plan.target_id or 0)


def lock(plan: TierPlan) -> None:
    """Lock a plan until the commit, and load its state."""
    row = TierPlan.objects.select_for_update(no_key=True).filter(pk=plan.pk).values().first()
    require(row is not None, _("This plan is not there any more."))
    for name, value in (row or {}).items():
        if name not in {"tier_id", "target_id"}:
            setattr(plan, name, value)


@contextmanager
def applied_by(plan: TierPlan) -> Iterator[None]:
    """Have backfills that are started in the block belong to a plan."""
    token = _applying.set(plan)
    try:
        yield
    finally:
        _applying.reset(token)


def supersede(tier: Tier, plan: TierPlan) -> None:
    """End the plan that is under way for a tier, since another one is applied."""
    former = TierPlan.objects.under_way().of_tier(tier).exclude(pk=plan.pk)
    for each in former.select_for_update(no_key=True, of=("self",)):
        end(each, TierPlan.State.CANCELLED)
        note(each, PlanStep.Kind.SUPERSEDED, None, other_id=plan.pk)


def end_if_done(plan: TierPlan) -> None:
    """End a locked plan once all accounts have moved and nothing of its backfills is left."""
    if plan.state != TierPlan.State.RUNNING or not plan.has_moved_all:
        return
    # Those of a running plan that rest were paused one by one.
    if not backfills_of(plan).unended().exists():
        end(plan, TierPlan.State.DONE)
        note(plan, PlanStep.Kind.DONE, None)


def end(plan: TierPlan, state: TierPlan.State) -> None:
    if state == TierPlan.State.CANCELLED:
        backfills_of(plan).cancel()
    now = timezone.now()
    stop_clock(plan)
    plan.state, plan.ended_at = state, now
    plan.outcome = measure_outcome(plan).as_json()
    plan.save(update_fields=["state", "ended_at", "outcome", "ran_seconds", "running_since"])
