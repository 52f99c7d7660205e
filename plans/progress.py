"""How far a plan has come, how fast, and what has come of it."""

from dataclasses import asdict, dataclass

from django.db.models import Sum

from images.models import Picture
from plans.clock import mark_progress, seconds_worked
from plans.models import PlannedBackfill, TierPlan
from thumbnails.models import Backfill, BackfillQuerySet

# Below, a rate says nothing yet.
_MIN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a plan has done so far; the names are those of `counting.Counts`."""

    accounts: int
    pictures: int
    thumbnails_made: int
    thumbnails_removed: int
    bytes_made: int
    bytes_removed: int

    def as_json(self) -> dict[str, int]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Progress:
    """Pictures, or accounts where these have none, of which so many are done."""

    done: int
    total: int
    counts_pictures: bool
    # Thumbnails that are requested and not there yet.
    waiting: int
    # A minute; None at the beginning.
    rate: float | None
    seconds_left: float | None

    @property
    def percent(self) -> int:
        """Whole per cents; 100 only when all is done."""
        return min(100, 100 * self.done // self.total) if self.total else 0


def measure_outcome(plan: TierPlan) -> Outcome:
    """Return what the backfills of a plan have counted, and how many accounts moved; one query."""
    sums = backfills_of(plan).aggregate(
        pictures=Sum("pictures_done", default=0),
        made=Sum("thumbnails_made", default=0),
        removed=Sum("thumbnails_removed", default=0),
        bytes_made=Sum("bytes_made", default=0),
        bytes_removed=Sum("bytes_removed", default=0),
    )
    return Outcome(
        accounts=plan.accounts_moved,
        pictures=sums["pictures"],
        thumbnails_made=sums["made"],
        thumbnails_removed=sums["removed"],
        bytes_made=sums["bytes_made"],
        bytes_removed=sums["bytes_removed"],
    )


def outcome_of(plan: TierPlan) -> dict[str, int]:
    """Return what has come of a plan; of one that was cancelled, with what was requested before."""
    kept: dict[str, int] = plan.outcome or {}
    if plan.state == TierPlan.State.DONE:
        return kept
    found = measure_outcome(plan).as_json()
    return {name: max(value, kept.get(name, 0)) for name, value in found.items()}


def measure_progress(plan: TierPlan) -> Progress:
    """Return how far a plan has come; two queries."""
    outcome, planned = measure_outcome(plan), plan.counts or {}
    backfills = list(backfills_of(plan).values_list("pk", flat=True))
    waiting = Picture.objects.of_backfills().filter(render_backfill__in=backfills).count()
    pictures, accounts = planned.get("pictures", 0), planned.get("accounts", 0)
    if pictures:
        done, total = max(0, outcome.pictures - waiting), max(pictures, outcome.pictures)
    else:
        done, total = outcome.accounts + plan.accounts_skipped, accounts
    seconds = seconds_worked(plan)
    rate = 60 * done / seconds if done and seconds > _MIN_SECONDS else None
    left = 60 * (total - done) / rate if rate else None
    return Progress(done, total, bool(pictures), waiting, rate, left)


def mark_all_progress() -> None:
    """Note how far the plans that run have come, so that an outage is no time of theirs."""
    for plan in TierPlan.objects.filter(state=TierPlan.State.RUNNING):
        mark_progress(plan, measure_progress(plan).done)


def backfills_of(plan: TierPlan) -> BackfillQuerySet:
    """Return the backfills that a plan has started."""
    ids = PlannedBackfill.objects.filter(plan=plan).values("backfill")
    return Backfill.objects.filter(pk__in=ids)
