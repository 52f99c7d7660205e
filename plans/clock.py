"""For how long a plan has worked: not while it rests, nor while an outage holds it up."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from plans.models import TierPlan

# Longer than any one picture takes.
STANDSTILL = timedelta(minutes=2)


def seconds_worked(plan: TierPlan, now: datetime | None = None) -> float:
    """Return the time from which a rate is told: without what nothing was done in."""
    now = now or timezone.now()
    if plan.running_since is None:
        return plan.ran_seconds
    running = (now - plan.running_since).total_seconds()
    return plan.ran_seconds + running - _seconds_still(plan, now)


def stop_clock(plan: TierPlan) -> None:
    """Count no more time of a locked plan; the caller saves it."""
    plan.ran_seconds, plan.running_since = seconds_worked(plan), None


def mark_progress(plan: TierPlan, done: int) -> None:
    """Note how far a plan has come; if it stood still before, it was for no time of its own."""
    if done == plan.marked_done:
        return
    with transaction.atomic():
        rows = TierPlan.objects.select_for_update(no_key=True)
        row = rows.filter(pk=plan.pk, state=TierPlan.State.RUNNING).first()
        if row is None or done == row.marked_done:
            return
        now = timezone.now()
        row.ran_seconds -= _seconds_still(row, now)
        row.marked_at, row.marked_done = now, done
        row.save(update_fields=["ran_seconds", "marked_at", "marked_done"])


def _seconds_still(plan: TierPlan, now: datetime) -> float:
    """Return for how long nothing was done until now, where that is too long for work."""
    if plan.marked_at is None or plan.running_since is None:
        return 0.0
    still = now - max(plan.marked_at, plan.running_since)
    return still.total_seconds() if still > STANDSTILL else 0.0
