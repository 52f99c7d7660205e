"""What workers do with plans, all at once and in this process."""

from plans.models import TierPlan
from plans.moving import move_next_accounts
from thumbnails import tasks


def work() -> None:
    """Move accounts and render until nothing is left to do."""
    while move_next_accounts():
        pass
    tasks.backfill()


def reload(plan: TierPlan) -> TierPlan:
    """Return a plan as it is in the database."""
    return TierPlan.objects.with_tiers().get(pk=plan.pk)
