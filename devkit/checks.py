"""`./dev check`: every check of the project, one after the other, with a summary at the end."""

import os
import secrets
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from devkit import environment, tests
from devkit.messages import Refusal, say

# A value that cannot be broken, as an image's digest, may be longer.
_LENGTH = "{max: 100, allow-non-breakable-inline-mappings: true}"
YAML_RULES = f"{{extends: default, rules: {{line-length: {_LENGTH}, document-start: disable}}}}"
LONG_FILE = 300
COMPOSE = ("docker-compose.yml", "docker-compose.tls.yml", "docker-compose.peers.yml")
SCHEMA = ("--builtin-schema", "vendor.compose-spec")
# The package is a program beside the environment's Python, not a module.
HADOLINT = (
    "import os, sys; from pathlib import Path; "
    "os.execv(Path(sys.executable).with_name('hadolint'), ['hadolint', *sys.argv[1:]])"
)


@dataclass(frozen=True)
class Step:
    """A module of the development environment to run, with variables of its own."""

    name: str
    command: list[str]
    variables: dict[str, str] = field(default_factory=dict)


def run(arguments: list[str]) -> int:
    """Run all steps even when one fails; 1 when any did."""
    if unknown := set(arguments) - {"--no-tests"}:
        raise Refusal(f"check does not know {', '.join(sorted(unknown))}; only --no-tests.")
    environment.prepare(environment.DEVELOPMENT)
    with tempfile.TemporaryDirectory(prefix="tintype-check-") as folder:
        results = [(step.name, *_run_step(step, Path(folder))) for step in _steps(Path(folder))]
    if "--no-tests" not in arguments:
        say("\n== tests")
        started = time.monotonic()
        results.append(("tests", tests.run([]) == 0, time.monotonic() - started))
    say("\n== long files")
    report_long_files(environment.ROOT, _tracked_files())
    return _report_results(results)


def _steps(folder: Path) -> list[Step]:
    manage = ["manage.py"]
    schema = ["spectacular", "--validate", "--fail-on-warn", "--file", str(folder / "schema.yml")]
    return [
        Step("format", ["-m", "ruff", "format", "--check", "."]),
        Step("lint", ["-m", "ruff", "check", "."]),
        Step("types", ["-m", "mypy", ".", "dev"]),
        Step("script types", ["-m", "tests.servers.npm", "tsc", "--project", "jsconfig.json"]),
        Step("import rules", ["-c", "from importlinter.cli import *; lint_imports_command()"]),
        Step(
            "deployment",
            [*manage, "check", "--deploy", "--fail-level", "WARNING"],
            _deployment(folder),
        ),
        Step("migrations", [*manage, "makemigrations", "--check", "--dry-run"]),
        Step("API schema", [*manage, *schema]),
        Step("licences", ["-m", "devkit.supply", "licences"]),
        Step("known holes", ["-m", "devkit.supply", "audit"]),
        Step("YAML", ["-m", "yamllint", "--strict", "-d", YAML_RULES, *COMPOSE]),
        Step("compose", ["-m", "check_jsonschema", *SCHEMA, *COMPOSE]),
        Step("Dockerfile", ["-c", HADOLINT, "--failure-threshold", "style", "Dockerfile"]),
    ]


def _deployment(folder: Path) -> dict[str, str]:
    """What a deployment sets; nothing is connected to, so the addresses lead nowhere."""
    return {
        "LOCAL": "false",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "ALLOWED_HOSTS": "pictures.example.org",
        "PUBLIC_URL": "https://pictures.example.org",
        "DATABASE_URL": "postgres://tintype:none@db.invalid/tintype",
        "REDIS_URL": "redis://redis.invalid/0",
        "AMQP_URL": "amqp://rabbitmq.invalid/",
        "DATA_DIR": str(folder),
    }


def _run_step(step: Step, folder: Path) -> tuple[bool, float]:
    say(f"\n== {step.name}")
    # Checks see local settings and a folder of their own, whatever the shell has set.
    local = {"LOCAL": "true", "DATA_DIR": str(folder), "DATABASE_URL": "", "AMQP_URL": ""}
    variables = os.environ | local | step.variables
    command = [environment.python(), *step.command]
    started = time.monotonic()
    finished = subprocess.run(command, cwd=environment.ROOT, env=variables, check=False)
    return finished.returncode == 0, time.monotonic() - started


def _tracked_files() -> list[Path]:
    """Return no file where there is no git, or no repository."""
    if not shutil.which("git"):
        return []
    listed = subprocess.run(
        ["git", "ls-files"], cwd=environment.ROOT, capture_output=True, text=True, check=False
    )
    return [Path(name) for name in listed.stdout.splitlines()]


def report_long_files(root: Path, names: list[Path]) -> None:
    """Name the modules that may hold more than one thought; a report, never a failure."""
    for name in sorted(names):
        if name.suffix == ".py" and "migrations" not in name.parts and (root / name).exists():
            lines = len((root / name).read_text(encoding="utf-8").splitlines())
            if lines > LONG_FILE:
                say(f"{lines:5} lines  {name}")


def _report_results(results: list[tuple[str, bool, float]]) -> int:
    say("")
    for name, is_good, seconds in results:
        say(f"{'ok    ' if is_good else 'FAILED'}  {name:<14} {seconds:5.1f} s")
    return 0 if all(is_good for _, is_good, _ in results) else 1
