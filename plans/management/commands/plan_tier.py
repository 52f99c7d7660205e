"""Plan a change of a tier or a move of accounts, apply it, and follow it."""

import json
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from accounts.models import User
from accounts.names import login_key
from plans.models import TierPlan
from plans.progress import measure_progress, outcome_of
from plans.proposals import (
    count_anew,
    propose_change,
    propose_deletion,
    propose_move,
    save_for_later,
)
from plans.services import apply_plan, cancel, pause, resume
from plans.warnings import save_and_warn, withdraw
from tiers.models import Tier

POLL_INTERVAL = 1.0  # seconds
_DEEDS: dict[str, Callable[..., None]] = {
    "apply": apply_plan, "warn": save_and_warn, "withdraw": withdraw, "pause": pause,
    "resume": resume, "cancel": cancel, "count": count_anew,
}  # fmt: skip


class Command(BaseCommand):
    """JSON in, JSON out; docs/admin.md describes both."""

    help = "Plan a change of a tier or a move of accounts, given as JSON, and say what it comes to."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", nargs="?", default="-", help="the plan as JSON (default: stdin)"
        )
        parser.add_argument("--id", type=int, help="a plan that is there already")
        deed = parser.add_mutually_exclusive_group()
        for name in _DEEDS:
            deed.add_argument(f"--{name}", dest="deed", action="store_const", const=name)
        parser.add_argument(
            "--at", metavar="TIME", type=_read_time, help="with --warn: when it applies itself"
        )
        parser.add_argument("--no-wait", action="store_true", help="do not follow an applied plan")
        parser.add_argument("--by", metavar="LOGIN", help="the account that it is noted for")

    def handle(self, *args: Any, **options: Any) -> None:
        by = _find_account(options["by"]) if options["by"] else None
        try:
            plan = self._find(options["id"]) if options["id"] else _read(options["file"], by)
            if options["deed"]:
                when = {"at": options["at"]} if options["deed"] == "warn" else {}
                _DEEDS[options["deed"]](plan, by=by, **when)
            if options["deed"] in {"apply", "resume"} and not options["no_wait"]:
                follow(plan)
        except ValidationError as error:
            raise CommandError(json.dumps(_reasons(error))) from error
        plan = self._find(plan.pk)
        self.stdout.write(json.dumps(as_json(plan), indent=2, ensure_ascii=False))

    def _find(self, number: int) -> TierPlan:
        plan = TierPlan.objects.with_tiers().filter(pk=number).first()
        if plan is None:
            raise CommandError(f"There is no plan {number}.")
        return plan


def _read_time(text: str) -> datetime:
    """Return a time as ISO 8601 writes it; without an offset it is of UTC."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _read(file: str, by: User | None) -> TierPlan:
    text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    try:
        asked = json.loads(text)
        plan = _propose(asked, by)
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise CommandError(f"This is no plan: {error!r}") from error
    save_for_later(plan, by=by)
    return plan


def _propose(asked: dict[str, Any], by: User | None) -> TierPlan:
    target = _find_tier(asked["to"]) if asked.get("to") else None
    match asked["action"]:
        case "change":
            tier = _find_tier(asked["tier"])
            return propose_change(tier=tier, values=asked.get("changes", {}), by=by)
        case "delete":
            return propose_deletion(tier=_find_tier(asked["tier"]), target=target, by=by)
        case "move" if "from" in asked:
            return propose_move(former=_find_tier(asked["from"]), target=target, by=by)
        case "move":
            accounts = User.objects.filter(pk__in=[_find_account(x).pk for x in asked["accounts"]])
            return propose_move(accounts=accounts, target=target, by=by)
        case other:
            raise CommandError(f"There is no action {other!r}: change, move or delete.")


def _find_tier(name: str) -> Tier:
    tier = Tier.objects.filter(name=name).first()
    if tier is None:
        raise CommandError(f"There is no tier {name!r}.")
    return tier


def _find_account(login: str) -> User:
    user = User.objects.filter(username_key=login_key(login)).first()
    if user is None:
        raise CommandError(f"There is no account {login!r}.")
    return user


def follow(plan: TierPlan) -> None:
    """Wait until a plan has ended or rests, with a bar on a terminal; Ctrl-C ends the waiting."""
    with tqdm(desc=str(plan), unit=" pictures", unit_scale=True, disable=None) as bar:
        try:
            while (now := TierPlan.objects.get(pk=plan.pk)).state == TierPlan.State.RUNNING:
                progress = measure_progress(now)
                bar.total = progress.total
                bar.update(progress.done - bar.n)
                time.sleep(POLL_INTERVAL)
            bar.update((bar.total or 0) - bar.n if now.state == TierPlan.State.DONE else 0)
        except KeyboardInterrupt:
            bar.write("The plan goes on.")


def as_json(plan: TierPlan) -> dict[str, Any]:
    """Return a plan as the command writes it."""
    counts = plan.counts or {}
    return {
        "id": plan.pk,
        "action": plan.kind,
        "state": plan.state,
        "tier": plan.tier_name or None,
        "to": plan.target_name or None,
        "changes": {name: {"before": a, "after": b} for name, (a, b) in plan.changes.items()},
        "counts": plan.counts,
        "effective_at": plan.effective_at.isoformat() if plan.effective_at else None,
        "warned_at": plan.warned_at.isoformat() if plan.warned_at else None,
        "accounts_told": plan.accounts_told,
        "is_estimate": bool(counts.get("sampled")),
        "outcome": None if plan.is_undecided else outcome_of(plan),
        "steps": [
            {"at": each.at.isoformat(), "what": each.kind, "by": each.by_name or None}
            for each in plan.steps.all()
        ],
    }


def _reasons(error: ValidationError) -> Any:
    return error.message_dict if hasattr(error, "error_dict") else error.messages
