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
_LOGOUTS = "tests/notifications/logouts"
# The tests of each module, beside the one of its own name.
MODULES: dict[str, list[str]] = {
    "accounts.sessions": ["tests/accounts", f"{_LOGOUTS}/test_announcements.py"],
    "accounts.renewal": [f"{_LOGOUTS}/test_announcements.py"],
    "accounts.revocation": ["tests/accounts/test_external_issuer.py", _LOGOUTS],
    "accounts.throttling": ["tests/delivery/test_one_time_links.py"],
    "images.access": ["tests/images", "tests/api/test_access.py"],
    "images.links": ["tests/images", "tests/delivery"],
    "images.services": ["tests/images"],
    "images.signed_urls": ["tests/delivery"],
    "images.storage.transactions": ["tests/images/storage", "tests/images/test_services.py"],
    "images.metadata.jpeg_segments": ["tests/images/metadata", "tests/delivery/test_privacy.py"],
    "images.metadata.heif_boxes": ["tests/images/metadata"],
    "delivery.ranges": ["tests/delivery"],
    "thumbnails.claims": ["tests/thumbnails"],
    "thumbnails.services": ["tests/thumbnails"],
    "notifications.feed": ["tests/notifications"],
    "notifications.logouts.relay": [_LOGOUTS],
    "notifications.logouts.listener": [_LOGOUTS],
    "notifications.sockets.subscription": [],
    "lib.signing": ["tests/images/test_signed_urls.py", "tests/images/test_links.py"],
    "api.pagination": ["tests/api/restful_api", "tests/lib/test_keyset.py"],
    "api.errors": ["tests/api/test_errors.py"],
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
