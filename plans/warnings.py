"""What saved plans will take from accounts, who is told of it beforehand, and when it happens.

A plan that was announced stays saved: it can be applied at any time, applies itself where a time
was set, and may be withdrawn. Its accounts say at once what it will take, computed anew for
whoever asks (`planned_changes_of`). The worker tells each of them besides, batch by batch, by an
event, and by a mail where one can be sent (`tell_next_accounts`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.mail import enqueue_mails
from accounts.models import Mail, User
from notifications.account_news import announce_to_accounts
from plans.exceptions import PlanRefused, PlanStale
from plans.losses import accounts_of, loaded_values_of, loses_by, takes_of
from plans.models import PlannedAccount, PlanStep, TierPlan, TierPlanQuerySet
from plans.services import apply_plan
from plans.signals import work_waits
from plans.steps import basis_of, lock, lock_tiers, note, require
from tiers.services import values_of

# Accounts that are told in one commit.
_TOLD_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """What an account's tier will say; `takes` names what it says less of.

    Without a time it comes as soon as somebody applies it.
    """

    at: datetime | None
    takes: list[str]
    tier: Mapping[str, Any]


# --- What an account says -------------------------------------------------------------------------


def _plans_ahead_of(user: User) -> TierPlanQuerySet:
    """Return announced plans, and moves that are under way, that concern an account."""
    chosen = PlannedAccount.objects.filter(plan=OuterRef("pk"), account_id=user.pk, is_done=False)
    moves = TierPlan.objects.under_way().exclude(kind=TierPlan.Kind.CHANGE)
    plans = TierPlan.objects.announced() | moves
    return plans.filter(Q(tier=user.tier_id) | Q(tier=None) & Exists(chosen))


def may_have_planned_changes(user: User) -> Exists:
    """Return whether `planned_changes_of` may find any, as a part of another query."""
    return Exists(_plans_ahead_of(user))


def planned_changes_of(user: User) -> list[PlannedChange]:
    """Return what announced plans, and moves that are under way, will take from an account.

    The first to come first. One query, and three more where there are any.
    """
    if user.is_superuser:
        return []
    rows = _plans_ahead_of(user).order_by(F("effective_at").asc(nulls_last=True), "pk")
    found = list(rows.with_tiers().prefetch_related("tier__heights", "target__heights"))
    if not found:
        return []
    before = values_of(user.tier)
    changes = [(_time_of(plan), _values_after(plan)) for plan in found]
    return [
        PlannedChange(at, takes, after)
        for at, after in changes
        if after and (takes := takes_of(before, after))
    ]


def _time_of(plan: TierPlan) -> datetime | None:
    return plan.applied_at if plan.is_under_way else plan.effective_at


def _values_after(plan: TierPlan) -> Mapping[str, Any]:
    """Return what the accounts' tier says then, by what the tiers say now; nothing without them."""
    tier = plan.tier if plan.kind == TierPlan.Kind.CHANGE else plan.target
    if tier is None:
        return {}
    return {
        **loaded_values_of(tier),
        **{name: after for name, (_before, after) in plan.changes.items()},
    }


# --- Announcing, and taking it back ---------------------------------------------------------------


@transaction.atomic
def save_and_warn(plan: TierPlan, *, at: datetime | None, by: User | None) -> None:
    """Save an undecided plan, and tell those from whom it takes something.

    With `at` it applies itself then. It may be set anew: they are told again.

    Raise PlanStale and PlanRefused as `apply_plan` does, and PlanRefused for a time that is past.
    """
    lock_tiers(plan)
    lock(plan)
    require(plan.is_undecided, _("This plan is decided already."))
    require(plan.counts is not None, _("Choose a tier first."))
    require(at is None or at > timezone.now(), _("Choose a time to come."))
    if basis_of(plan) != plan.basis:
        raise PlanStale(_("A tier has changed since this was counted: count anew."))
    plan.state, plan.effective_at, plan.warned_at = TierPlan.State.SAVED, at, timezone.now()
    _start_telling(plan)
    plan.save(update_fields=["state", "effective_at", "warned_at", *_TELLING])
    note(plan, PlanStep.Kind.WARNED, by)


@transaction.atomic
def withdraw(plan: TierPlan, *, by: User | None) -> None:
    """Take an announced plan back, and tell those who were told of it."""
    lock(plan)
    require(plan.is_announced, _("This plan is decided already."))
    plan.state, plan.ended_at = TierPlan.State.CANCELLED, timezone.now()
    _start_telling(plan)
    plan.save(update_fields=["state", "ended_at", *_TELLING])
    note(plan, PlanStep.Kind.WITHDRAWN, by)


_TELLING = ("is_telling", "told_after", "accounts_told")


def _start_telling(plan: TierPlan) -> None:
    plan.is_telling, plan.told_after, plan.accounts_told = True, None, 0
    work_waits.send(sender=TierPlan)


def tell_next_accounts() -> bool:
    """Tell the next accounts of a plan that was announced or withdrawn.

    Return whether there was such a plan. A batch is a commit: whoever dies with one leaves it to
    the next.
    """
    plan = TierPlan.objects.filter(is_telling=True).with_tiers().order_by("pk").first()
    if plan is None:
        return False
    with transaction.atomic():
        lock(plan)
        if plan.is_telling:
            _tell_batch(plan)
    return True


def _tell_batch(plan: TierPlan) -> None:
    new = _values_after(plan)
    accounts = accounts_of(plan).filter(loses_by(plan, new)) if new else User.objects.none()
    if plan.told_after:
        accounts = accounts.filter(pk__gt=plan.told_after)
    # Locked, so that none of them is gone before its event is written.
    users = list(accounts.order_by("pk").select_for_update(no_key=True)[:_TOLD_AT_ONCE])
    if users:
        announce_to_accounts([each.pk for each in users], "planned_changes.updated")
        enqueue_mails(Mail.Kind.LESS if plan.is_undecided else Mail.Kind.AS_IT_IS, users)
        plan.told_after = users[-1].pk
        plan.accounts_told += len(users)
    plan.is_telling = len(users) == _TOLD_AT_ONCE
    plan.save(update_fields=[*_TELLING])


# --- When the time has come -----------------------------------------------------------------------


def apply_next_due() -> bool:
    """Apply a plan whose time has come, for whoever set it; return whether there was one.

    Not before all are told. Where it cannot be applied as it is, it stays saved without a time.
    """
    due = TierPlan.objects.announced().filter(is_telling=False, effective_at__lte=timezone.now())
    plan = due.with_tiers().order_by("effective_at", "pk").first()
    if plan is None:
        return False
    try:
        apply_plan(plan, by=_who_set_the_time(plan))
    except PlanRefused:
        _clear_time(plan)
    return True


def _who_set_the_time(plan: TierPlan) -> User | None:
    step = plan.steps.filter(kind=PlanStep.Kind.WARNED).last()
    return User.objects.filter(pk=step.by_id).first() if step and step.by_id else None


@transaction.atomic
def _clear_time(plan: TierPlan) -> None:
    # Another worker may have applied it.
    if TierPlan.objects.announced().filter(pk=plan.pk).update(effective_at=None):
        note(plan, PlanStep.Kind.NOT_APPLIED, None)
