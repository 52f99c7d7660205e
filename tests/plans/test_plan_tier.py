"""`manage.py plan_tier`: JSON in, JSON out."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from plans.management.commands import plan_tier
from plans.models import TierPlan
from plans.progress import Progress, measure_progress
from tests.factories import make_tier, make_user
from tests.plans.work import work
from tests.rows import write_pictures
from tiers.models import Tier

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


@pytest.fixture
def tier() -> Tier:
    tier = make_tier("Poster", [100, 200], grants_original=True)
    write_pictures(make_user("carol", tier.name), 3, heights=[100, 200])
    return tier


def run(tmp_path: Path, asked: object = None, *options: str) -> dict[str, Any]:
    out, arguments = io.StringIO(), [*options]
    if asked is not None:
        (tmp_path / "plan.json").write_text(json.dumps(asked))
        arguments.insert(0, str(tmp_path / "plan.json"))
    call_command("plan_tier", *arguments, stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def test_a_plan_is_told_saved_and_applied_later(tier: Tier, tmp_path: Path) -> None:
    asked = {"action": "change", "tier": "Poster",
             "changes": {"heights": [200], "grants_original": False}}  # fmt: skip
    told = run(tmp_path, asked, "--by", "CAROL")
    assert told["changes"]["heights"] == {"before": [100, 200], "after": [200]}
    assert (told["state"], told["is_estimate"], told["outcome"]) == ("saved", False, None)
    assert told["counts"]["thumbnails_removed"] == 3
    assert told["counts"]["lose_originals"] == 1
    applied = run(tmp_path, None, "--id", str(told["id"]), "--apply", "--no-wait")
    assert applied["state"] == "running"
    work()
    done = run(tmp_path, None, "--id", str(told["id"]))
    assert (done["state"], done["outcome"]["thumbnails_removed"]) == ("done", 3)
    assert [(each["what"], each["by"]) for each in done["steps"]] == [
        ("made", "carol"), ("saved", "carol"), ("applied", None), ("done", None)
    ]  # fmt: skip


def test_an_applied_plan_is_followed_to_its_end(
    tier: Tier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measure_after_work(plan: TierPlan) -> Progress:
        work()
        return measure_progress(plan)

    monkeypatch.setattr(plan_tier, "measure_progress", measure_after_work)
    monkeypatch.setattr(plan_tier, "POLL_INTERVAL", 0.0)
    target = make_tier("Small", [100])
    moved = run(tmp_path, {"action": "move", "accounts": ["carol"], "to": "Small"}, "--apply")
    assert (moved["state"], moved["outcome"]["thumbnails_removed"]) == ("done", 3)
    gone = run(tmp_path, {"action": "delete", "tier": "Poster"}, "--apply")
    assert gone["state"] == "done"
    make_tier("Tiny", [100])
    every = run(tmp_path, {"action": "move", "from": target.name, "to": "Tiny"}, "--apply")
    assert (every["counts"]["accounts"], every["state"]) == (1, "done")
    assert not Tier.objects.filter(name="Poster").exists()


def test_a_running_plan_rests_goes_on_and_ends(tier: Tier, tmp_path: Path) -> None:
    asked = {"action": "change", "tier": "Poster", "changes": {"heights": [300]}}
    number = str(run(tmp_path, asked, "--apply", "--no-wait")["id"])
    states = [
        run(tmp_path, None, "--id", number, deed, "--no-wait")["state"]
        for deed in ("--pause", "--resume", "--cancel")
    ]
    assert states == ["paused", "running", "cancelled"]
    with pytest.raises(CommandError, match="not under way"):
        run(tmp_path, None, "--id", number, "--cancel")


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"action": "change", "tier": "Nothing"}, "no tier 'Nothing'"),
        ({"action": "change", "tier": "Poster", "changes": {"quality": 5}}, "quality"),
        ({"action": "change", "tier": "Poster", "changes": {"heights": 5}}, "This is no plan"),
        ({"action": "move", "accounts": ["nobody"], "to": "Basic"}, "no account 'nobody'"),
        ({"action": "fly"}, "no action 'fly'"),
        ({"tier": "Poster"}, "This is no plan"),
        ([], "This is no plan"),
        ({"action": "delete", "tier": "Basic"}, "New accounts"),
    ],
)
def test_what_is_no_plan_is_refused_with_a_reason(
    tier: Tier, tmp_path: Path, asked: object, reason: str
) -> None:
    with pytest.raises(CommandError, match=reason):
        run(tmp_path, asked)
    with pytest.raises(CommandError, match="no plan 7777"):
        run(tmp_path, None, "--id", "7777")
    assert not TierPlan.objects.exists()
