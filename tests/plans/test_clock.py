"""The pace of a plan, and when it will be done: without the time in which nothing could be done."""

from datetime import timedelta

import pytest
from django.utils import timezone

from plans.clock import STANDSTILL, stop_clock
from plans.models import TierPlan
from plans.progress import measure_progress
from plans.tasks import move
from tests.plans.work import reload

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
HOUR = timedelta(hours=1)


@pytest.fixture
def plan() -> TierPlan:
    """One that has worked for an hour, and has moved ten of thirty accounts."""
    return TierPlan.objects.create(
        kind=TierPlan.Kind.MOVE,
        state=TierPlan.State.RUNNING,
        counts={"accounts": 30},
        accounts_moved=10,
        has_moved_all=True,
        running_since=timezone.now() - HOUR,
    )


def is_foretold(plan: TierPlan, left: timedelta) -> bool:
    """Tell whether it will be done in so long, but for what passes while a test runs."""
    seconds = measure_progress(reload(plan)).seconds_left
    return seconds is not None and left.total_seconds() - 1 < seconds < 1.2 * left.total_seconds()


def pass_time(plan: TierPlan, time: timedelta) -> None:
    """Let it be so much later for a plan."""
    plan = reload(plan)
    for name in ("running_since", "marked_at"):
        setattr(plan, name, getattr(plan, name) - time)
    plan.save()


def finish(plan: TierPlan, accounts: int) -> None:
    TierPlan.objects.filter(pk=plan.pk).update(accounts_moved=accounts)


def test_an_outage_does_not_slow_a_plan_down(plan: TierPlan) -> None:
    move()
    assert is_foretold(plan, 2 * HOUR)
    pass_time(plan, 5 * HOUR)
    assert is_foretold(plan, 2 * HOUR)
    # Whether a worker looked at it meanwhile or not.
    move()
    assert is_foretold(plan, 2 * HOUR)
    finish(plan, 20)
    move()
    assert is_foretold(plan, HOUR / 2)
    pass_time(plan, 5 * HOUR)
    finish(plan, 25)
    move()
    assert is_foretold(plan, HOUR / 5)


def test_time_in_which_it_is_slow_counts(plan: TierPlan) -> None:
    TierPlan.objects.update(running_since=timezone.now() - STANDSTILL)
    move()
    pass_time(plan, STANDSTILL / 2)
    finish(plan, 15)
    move()
    assert is_foretold(plan, STANDSTILL * 3 / 2)


def test_a_plan_that_is_paused_in_an_outage_counts_the_time_before_it(plan: TierPlan) -> None:
    move()
    pass_time(plan, 5 * HOUR)
    plan = reload(plan)
    stop_clock(plan)
    assert plan.ran_seconds < 1.2 * HOUR.total_seconds()
    plan.running_since = timezone.now()
    plan.save()
    assert is_foretold(plan, 2 * HOUR)


def test_a_plan_that_nobody_looked_at_yet_counts_all_of_its_time(plan: TierPlan) -> None:
    assert is_foretold(plan, 2 * HOUR)
