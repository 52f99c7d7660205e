"""What this package does on signals: note whose a backfill is, end its plan, wake a worker up."""

from typing import Any

from lib.after_commit import run_after_commit
from plans.direct import adopt_backfill
from plans.models import PlannedBackfill, TierPlan
from plans.signals import work_waits
from plans.steps import end_if_done
from plans.tasks import enqueue_moves
from thumbnails.models import Backfill
from thumbnails.signals import backfill_ended, backfill_started


def connect() -> None:
    """Connect every receiver; called once, when Django is ready."""
    backfill_started.connect(_adopt, dispatch_uid="plans.adopt")
    backfill_ended.connect(_end_plan, dispatch_uid="plans.end")
    work_waits.connect(_wake_a_worker_up, dispatch_uid="plans.wake_up")


def _adopt(backfill: Backfill, **kwargs: Any) -> None:
    adopt_backfill(backfill)


def _end_plan(backfill: Backfill, **kwargs: Any) -> None:
    of_backfill = PlannedBackfill.objects.filter(backfill=backfill).values("plan")
    plans = TierPlan.objects.filter(pk__in=of_backfill).select_for_update(no_key=True)
    for plan in plans:
        end_if_done(plan)


def _wake_a_worker_up(**kwargs: Any) -> None:
    run_after_commit(enqueue_moves)
