"""`./dev mutate`: modules changed in one place at a time, to see whether their tests notice."""

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from devkit import environment
from devkit.messages import Refusal, say

MUTANTS = 30
_ACCOUNTS, _IMAGES, _DELIVERY = "tests/accounts", "tests/images", "tests/delivery"
_LOGOUTS = "tests/notifications/logouts"
# Beside the tests of its own name, those of each module.
MODULES: dict[str, list[str]] = {
    "accounts.sessions": [
        "tests/test_twins.py",
        f"{_ACCOUNTS}/test_renewal.py",
        f"{_ACCOUNTS}/test_tokens.py",
        f"{_ACCOUNTS}/test_token_authentication.py",
        f"{_ACCOUNTS}/test_second_factor.py",
        f"{_ACCOUNTS}/test_known_devices.py",
        f"{_LOGOUTS}/test_announcements.py",
        "tests/test_scheduled_tasks.py",
    ],
    "accounts.renewal": [f"{_LOGOUTS}/test_announcements.py", "tests/test_twins.py"],
    "accounts.revocation": [
        f"{_ACCOUNTS}/test_external_issuer.py",
        f"{_LOGOUTS}/test_messages.py",
        f"{_LOGOUTS}/test_listener_batches.py",
    ],
    "accounts.denylist": [
        f"{_ACCOUNTS}/test_external_issuer.py",
        f"{_LOGOUTS}/test_messages.py",
        f"{_LOGOUTS}/test_listener_batches.py",
    ],
    "accounts.throttling": [f"{_DELIVERY}/test_one_time_links.py"],
    "accounts.token_authentication": [f"{_ACCOUNTS}/test_sessions.py"],
    "accounts.tokens": [],
    "accounts.services": [
        f"{_ACCOUNTS}/test_own_account.py",
        "tests/test_twins.py",
        f"{_LOGOUTS}/test_announcements.py",
        f"{_DELIVERY}/test_avatars.py",
        "tests/api/auth_service/test_views.py",
    ],
    "accounts.one_time_links": [
        f"{_ACCOUNTS}/test_pages.py",
        f"{_ACCOUNTS}/test_invitations.py",
        "tests/test_twins.py",
    ],
    "accounts.early_authentication": [
        "tests/config/test_byte_layer.py",
        f"{_ACCOUNTS}/test_token_authentication.py",
    ],
    "images.models": [
        *(f"{_IMAGES}/test_{name}.py" for name in ("access", "links", "permissions", "services")),
        f"{_IMAGES}/test_link_visits.py",
        f"{_IMAGES}/test_retries.py",
        "tests/test_twins.py",
        "tests/api/restful_api/test_link_views.py",
        "tests/thumbnails/test_claims.py",
        "tests/thumbnails/test_sweeping.py",
    ],
    "images.permissions": [f"{_IMAGES}/test_access.py"],
    "images.usage": [
        f"{_IMAGES}/test_ledger.py",
        f"{_IMAGES}/test_services.py",
        f"{_IMAGES}/test_races.py",
        "tests/api/restful_api/test_usage_views.py",
    ],
    "images.retries": [f"{_IMAGES}/test_races.py", "tests/test_scheduled_tasks.py"],
    "images.access": [f"{_IMAGES}/test_permissions.py", f"{_DELIVERY}/test_avatars.py"],
    "images.links": [
        "tests/test_twins.py",
        f"{_IMAGES}/test_permissions.py",
        f"{_DELIVERY}/test_link_views.py",
        "tests/api/restful_api/test_link_views.py",
        "tests/test_scheduled_tasks.py",
    ],
    "images.link_visits": [f"{_DELIVERY}/test_link_views.py"],
    "images.services": [
        f"{_IMAGES}/test_client_metadata.py",
        f"{_IMAGES}/test_default_picture.py",
        f"{_IMAGES}/test_retries.py",
        f"{_IMAGES}/test_races.py",
        f"{_DELIVERY}/test_stripped_copies.py",
        "tests/images/sandbox/test_pool.py",
        "tests/test_twins.py",
    ],
    "images.signed_urls": [f"{_DELIVERY}/test_views.py"],
    "images.storage.transactions": [f"{_IMAGES}/test_services.py"],
    "images.metadata.jpeg_segments": [f"{_IMAGES}/metadata/test_kinds.py"],
    "images.metadata.heif_boxes": [
        f"{_IMAGES}/metadata/test_heif_shapes.py",
        f"{_IMAGES}/metadata/test_kinds.py",
    ],
    "delivery.access": [f"{_DELIVERY}/test_former_heights.py"],
    "delivery.kept_targets": ["tests/config/test_byte_layer.py"],
    "delivery.link_targets": [
        "tests/config/test_byte_layer.py",
        f"{_DELIVERY}/test_link_views.py",
    ],
    "delivery.link_views": [
        f"{_DELIVERY}/test_one_time_links.py",
        f"{_DELIVERY}/test_reveals.py",
    ],
    "delivery.ranges": [],
    "thumbnails.claims": [],
    "thumbnails.deletion": ["tests/test_twins.py"],
    "thumbnails.models": [
        f"{_DELIVERY}/test_access.py",
        f"{_DELIVERY}/test_former_heights.py",
        f"{_DELIVERY}/test_views.py",
        "tests/thumbnails/test_backfills.py",
        "tests/thumbnails/test_deletion.py",
    ],
    "thumbnails.services": [
        "tests/thumbnails/test_made_later.py",
        "tests/thumbnails/test_quality.py",
        "tests/thumbnails/test_backfills.py",
        "tests/thumbnails/test_races.py",
    ],
    "notifications.feed": [],
    "notifications.logouts.messages": [
        f"{_LOGOUTS}/test_announcements.py",
        f"{_LOGOUTS}/test_listener_batches.py",
    ],
    "notifications.logouts.relay": [f"{_LOGOUTS}/test_loops.py"],
    "notifications.logouts.listener": [f"{_LOGOUTS}/test_loops.py"],
    "notifications.sockets.subscription": [],
    "lib.signing": [f"{_IMAGES}/test_signed_urls.py", f"{_IMAGES}/test_links.py"],
    "api.pagination": ["tests/api/restful_api/test_views.py", "tests/lib/test_keyset.py"],
    "api.errors": ["tests/api/test_problems_of_errors.py"],
    "upkeep.verifying": ["tests/upkeep/test_verify_storage.py"],
    "upkeep.copying": ["tests/upkeep/test_move_storage.py"],
}
# What only PostgreSQL can answer; the others run on SQLite, which takes less time.
ON_POSTGRESQL = frozenset(
    {
        "accounts.denylist", "images.retries", "images.services", "images.usage",
        "notifications.feed", "notifications.logouts.relay", "thumbnails.claims",
        "thumbnails.services",
    }
)  # fmt: skip


def run(arguments: list[str]) -> int:
    """Mutate the modules that are named, or all of MODULES; 1 where one is not seen to die."""
    parser = argparse.ArgumentParser(prog="./dev mutate", description=__doc__)
    parser.add_argument("--mutants", type=int, default=MUTANTS, help="how many of each module")
    parser.add_argument("--seed", default="", help="any text, to draw others")
    parser.add_argument("modules", nargs="*", metavar="MODULE")
    asked = parser.parse_args(arguments)
    unknown = [each for each in asked.modules if not _file_of(each).exists()]
    if unknown:
        raise Refusal(f"there is no module {', '.join(unknown)}.")
    environment.prepare(environment.DEVELOPMENT)
    modules = list(dict.fromkeys(asked.modules or MODULES))
    on_postgresql = [each for each in modules if each in ON_POSTGRESQL]
    others = [each for each in modules if each not in ON_POSTGRESQL]
    options = ["--mutants", str(asked.mutants), "--mutation-seed", asked.seed]
    reports = _mutate(others, "sqlite", options) + _mutate(on_postgresql, "postgres", options)
    _show(reports)
    return int(any(_count(each, "killed") < len(each["verdicts"]) for each in reports))


def _file_of(module: str) -> Path:
    return environment.ROOT / f"{module.replace('.', '/')}.py"


def _mutate(modules: list[str], database: str, drawn: list[str]) -> list[dict[str, Any]]:
    """Return a report on each; all are mutated in one run of pytest, which takes long to begin."""
    if not modules:
        return []
    is_sqlite = database == "sqlite"
    variables = {"TEST_DATABASE": "sqlite"} if is_sqlite else {}
    # What starts servers takes longer than what it adds; the tests of copying have two folders.
    chosen = "not slow and not s3 and not rabbitmq"
    chosen += " and not postgres" if is_sqlite else ""
    tests = {each: _tests_of(each) for each in modules}
    with tempfile.TemporaryDirectory(prefix="tintype-mutate-") as folder:
        report = Path(folder) / "report.jsonl"
        options = ["-q", "-p", "tests.mutation.plugin", "-p", "no:randomly", "-m", chosen]
        options += ["--mutate", json.dumps(tests), "--mutation-report", str(report), *drawn]
        paths = dict.fromkeys(path for each in tests.values() for path in each)
        command = [environment.python(), "-m", "pytest", *options, *paths]
        subprocess.run(
            command, cwd=environment.ROOT, env=os.environ | variables, stdout=2, check=False
        )
        lines = report.read_text().splitlines() if report.exists() else []
    if len(lines) < len(modules):
        raise Refusal(f"the tests of {modules[len(lines)]} did not run.")
    return [json.loads(line) for line in lines]


def _tests_of(module: str) -> list[str]:
    """Return the tests that belong to a module: those of its name, and the table's."""
    package, _, name = module.replace(".", "/").rpartition("/")
    folder = environment.ROOT / "tests" / package
    own = sorted(str(each) for each in folder.glob(f"test_{name}*.py"))
    tests = [*own, *MODULES.get(module, [])]
    if not tests:
        raise Refusal(f"no test belongs to {module}: name some in devkit/mutate.py.")
    return tests


def _count(report: dict[str, Any], *outcomes: str) -> int:
    return sum(each["outcome"] in outcomes for each in report["verdicts"])


def _show(reports: list[dict[str, Any]]) -> None:
    say(f"\n{'module':<40} mutants  killed")
    for report in reports:
        say(f"{report['module']:<40} {len(report['verdicts']):>7} {_count(report, 'killed'):>7}")
    for report in reports:
        path = report["module"].replace(".", "/")
        for test, reason in report["fails_unchanged"].items():
            say(f"\n{path}.py: unchanged too {test} fails in a forked process:\n  {reason}")
        for each in report["verdicts"]:
            if each["outcome"] != "killed":
                say(f"\n{path}.py:{each['line']}: {each['outcome']}\n  {each['change']}")
