"""What this package does on signals: note whose a backfill is, and end the plan with its last."""

from typing import Any

from plans.direct import adopt_backfill
from plans.models import PlannedBackfill, TierPlan
from plans.steps import end_if_done
from thumbnails.models import Backfill
from thumbnails.signals import backfill_ended, backfill_started


def connect() -> None:
    """Connect every receiver; called once, when Django is ready."""
    backfill_started.connect(_adopt, dispatch_uid="plans.adopt")
    backfill_ended.connect(_end_plan, dispatch_uid="plans.end")


def _adopt(backfill: Backfill, **kwargs: Any) -> None:
    adopt_backfill(backfill)


def _end_plan(backfill: Backfill, **kwargs: Any) -> None:
    of_backfill = PlannedBackfill.objects.filter(backfill=backfill).values("plan")
    plans = TierPlan.objects.filter(pk__in=of_backfill).select_for_update(no_key=True)
    for plan in plans:
        end_if_done(plan)
