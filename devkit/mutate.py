"""`./dev mutate`: modules changed in one place at a time, to see whether their tests notice."""

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
        f"{_LOGOUTS}/test_announcements.py",
        "tests/test_scheduled_tasks.py",
    ],
    "accounts.renewal": [f"{_LOGOUTS}/test_announcements.py", "tests/test_twins.py"],
    "accounts.revocation": [
        f"{_ACCOUNTS}/test_external_issuer.py",
        f"{_LOGOUTS}/test_messages.py",
        f"{_LOGOUTS}/test_listener_batches.py",
    ],
    "accounts.throttling": [f"{_DELIVERY}/test_one_time_links.py"],
    "accounts.token_authentication": [f"{_ACCOUNTS}/test_sessions.py"],
    "images.access": [f"{_IMAGES}/test_permissions.py", f"{_DELIVERY}/test_avatars.py"],
    "images.links": [
        "tests/test_twins.py",
        f"{_IMAGES}/test_permissions.py",
        f"{_DELIVERY}/test_link_views.py",
        "tests/api/restful_api/test_link_views.py",
        "tests/test_scheduled_tasks.py",
    ],
    "images.services": [f"{_IMAGES}/test_client_metadata.py", "tests/test_twins.py"],
    "images.signed_urls": [f"{_DELIVERY}/test_views.py"],
    "images.storage.transactions": [f"{_IMAGES}/test_services.py"],
    "images.metadata.jpeg_segments": [f"{_IMAGES}/metadata"],
    "images.metadata.heif_boxes": [f"{_IMAGES}/metadata"],
    "delivery.ranges": [f"{_DELIVERY}/test_views.py"],
    "thumbnails.claims": ["tests/thumbnails/test_services.py"],
    "thumbnails.services": ["tests/thumbnails"],
    "notifications.feed": ["tests/test_scheduled_tasks.py", "tests/test_twins.py"],
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
    {"thumbnails.claims", "notifications.feed", "notifications.logouts.relay"}
)


def run(arguments: list[str]) -> int:
    """Mutate the modules that are named, or all of MODULES; 1 where a mutant survives."""
    unknown = [each for each in arguments if not _file_of(each).exists()]
    if unknown:
        raise Refusal(f"there is no module {', '.join(unknown)}.")
    environment.prepare(environment.DEVELOPMENT)
    reports = [_mutate(module) for module in arguments or MODULES]
    _show(reports)
    survivors = sum(_count(each, "survived", "unreached") for each in reports)
    return int(survivors > 0)


def _file_of(module: str) -> Path:
    return environment.ROOT / f"{module.replace('.', '/')}.py"


def _mutate(module: str) -> dict[str, Any]:
    variables = {} if module in ON_POSTGRESQL else {"TEST_DATABASE": "sqlite"}
    chosen = "not slow" if module in ON_POSTGRESQL else "not slow and not postgres"
    with tempfile.TemporaryDirectory(prefix="tintype-mutate-") as folder:
        report = Path(folder) / "report.json"
        options = ["-q", "-p", "tests.mutation.plugin", "-p", "no:randomly", "-m", chosen]
        options += ["--mutate", module, "--mutants", str(MUTANTS), "--mutation-report", str(report)]
        command = [environment.python(), "-m", "pytest", *options, *_tests_of(module)]
        subprocess.run(
            command, cwd=environment.ROOT, env=os.environ | variables, stdout=2, check=False
        )
        if not report.exists():
            raise Refusal(f"the tests of {module} did not run.")
        found: dict[str, Any] = json.loads(report.read_text())
    return found


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
        for each in report["verdicts"]:
            if each["outcome"] != "killed":
                say(f"\n{path}.py:{each['line']}: {each['outcome']}\n  {each['change']}")
