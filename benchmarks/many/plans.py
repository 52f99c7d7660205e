"""How long it takes to say what a plan of a tier with all pictures comes to."""

import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plans.models import TierPlan

Row = dict[str, float | None]
_REPEATED = 5


def measure() -> dict[str, Row]:
    """Plan each kind of change of the tier that everybody has; nothing is applied."""
    from plans.proposals import discard, propose_change, propose_deletion, propose_move
    from tiers.models import Tier

    tier, target = Tier.objects.get(name="Enterprise"), Tier.objects.get(name="Basic")
    values = {"heights": [200, 800], "quality": 70, "grants_links": False, "max_pictures": 50}

    def change() -> "TierPlan":
        return propose_change(tier=tier, values=values, by=None)

    def move() -> "TierPlan":
        return propose_move(former=tier, target=target, by=None)

    def end() -> "TierPlan":
        return propose_deletion(tier=tier, target=target, by=None)

    rows: dict[str, Row] = {}
    for name, propose in (("change of a tier", change), ("move of all", move), ("its end", end)):
        seconds, statements = [], 0
        for _ in range(_REPEATED):
            began = time.perf_counter()
            plan, statements = _count_statements(propose)
            seconds.append(time.perf_counter() - began)
            counts = plan.counts or {}
            discard(plan)
        rows[name] = {
            "seconds": statistics.median(seconds),
            "statements": statements,
            "to make": counts["thumbnails_made"],
            "to remove": counts["thumbnails_removed"],
            "drawn": counts["sampled"],
        }
    return rows


def _count_statements(propose: Callable[[], "TierPlan"]) -> "tuple[TierPlan, int]":
    from django.db import connection

    statements = 0

    def count(execute: Callable[..., object], *arguments: object) -> object:
        nonlocal statements
        statements += 1
        return execute(*arguments)

    with connection.execute_wrapper(count):
        plan = propose()
    return plan, statements
