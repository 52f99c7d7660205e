"""The commands of README and docs, as typed: run, or parsed where this machine cannot run them.

A command that is of none of these kinds fails: run it here, or list it with the reason. Those of
`docs/clients.md` are in `test_clients`.
"""

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from random import Random

import pytest
from django.core.management import get_commands
from PIL import Image

from devkit.commands import COMMANDS
from tests.deployment import compose
from tests.pictures import encode
from tests.processes import ROOT, Running, dev_run, newcomers_environment, until_ready

PAGES = [
    ROOT / "README.md",
    *sorted(set((ROOT / "docs").rglob("*.md")) - {ROOT / "docs" / "clients.md"}),
]
BLOCK = re.compile(r"^( *)```(console|sh|bash|shell)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
PASSWORD = "let-me-look-around"
# What is not run here, and why. Docker is not there either: its commands are parsed.
LISTED = {
    "./dev run": "the test of README's requests runs it, with a port of its own",
    "ADMIN_PASSWORD=let-me-look-around ./dev run": "likewise",
    "./dev demo": "tests/devkit/test_management.py runs it",
    "./dev demo --screenshots": "writes the pictures of the documentation",
    "./dev bench gallery": "takes minutes",
    "./dev bench backup": "takes minutes",
    "./dev test": "runs this test",
    "./dev test --fast": "would run tests within a test",
    "./dev test --all": "runs this test",
    "./dev test --nightly": "runs this test",
    "./dev test tests/delivery/test_ranges.py": "would run tests within a test",
    './dev test -k "stranger and delete"': "would run tests within a test",
    "./dev mutate accounts.renewal": "would run tests within a test",
    "./dev cover": "would run tests within a test",
    "./dev cover tests/tiers": "would run tests within a test",
    "./dev freshness": "tests/devkit/test_freshness.py runs it",
    "./dev bench": "tests/devkit/test_bench.py runs it",
    "./dev bench upload --formats JPEG AVIF": "takes minutes",
    "./dev bench --compare main upload --formats JPEG AVIF": "takes minutes",
    "./dev check": "would run all tests within a test; CI runs it",
    "./dev fmt": "changes the working tree",
    "./dev sbom": "tests/devkit/test_supply.py runs it",
    "kubectl create namespace tintype": "needs a cluster; the manifests are validated",
    "kubectl --namespace tintype apply --filename my-secrets.yaml": "likewise",
    "kubectl apply --kustomize deploy/kubernetes": "likewise",
    'certbot certonly --standalone -d pictures.example.org --deploy-hook "$PWD/deploy/proxies/'
    'certbot-deploy.sh"': "asks an authority; tests/deployment/test_proxies.py runs the hook",
    "docker volume rm tintype_database": "deletes a volume",
    """echo '{"action": "change", "tier": "Premium", "changes": {"heights": [200, 400, 800]}}'"""
    " | python manage.py plan_tier": "tests/plans/test_plan_tier.py runs it",
    "usermod --append --groups tintype www-data && systemctl restart nginx": "changes the machine",
    "sudo install -d -o 10001 -g 101 -m 0700 /srv/backups": "changes the machine",
}
INSTALL = [
    "./dev env https://pictures.example.org",
    "grep ADMIN_PASSWORD .env",
    "python manage.py migrate --no-input",
    "python manage.py create_admin",
    "python manage.py check --deploy",
]
# In the order of the page. `chmod` comes after the restore that makes its folder.
KEEP = [
    "python manage.py back_up /backups/tintype",
    "python manage.py prune_backups /backups/tintype --days 14 --weeks 8 --months 12",
    "python manage.py restore /backups/tintype --drill",
    "python manage.py restore /backups/tintype",
    "chmod -R o-rwx /var/lib/tintype/images",
    "python manage.py verify_storage --hash",
    "export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…",
    "NEW='s3://bucket/prefix?endpoint_url=https://s3.example.org&region=us-east-1'",
    'python manage.py move_storage --to "$NEW"',
    'export STORAGE_URL="$NEW"',
    "python manage.py move_storage --from file:///data/images",
    "python manage.py verify_storage",
    "python manage.py verify_storage --verbosity 2",
    "python manage.py move_storage --from file:///data/images --remove-source",
]
RUN = [*INSTALL, *KEEP]
# The page shows what it says of a storage with faults: see tests/upkeep.
PRINTS_ELSEWHERE = {
    "python manage.py prune_backups /backups/tintype --days 14 --weeks 8 --months 12",
    "python manage.py verify_storage",
    "python manage.py verify_storage --verbosity 2",
}


def commands_of(page: Path) -> list[str]:
    return [
        re.sub(r"\s+# .*$", "", line.strip().removeprefix("$ "))
        for _, language, body in BLOCK.findall(page.read_text())
        for line in body.splitlines()
        if line.strip().startswith("$ ") or (language != "console" and line.strip())
    ]


def words_of(command: str) -> list[str]:
    """Return the words of one command without the variables that are set before it."""
    words = shlex.split(command)
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words.pop(0)
    return words


def parse_compose(words: list[str]) -> None:
    files = [words[at + 1] for at, word in enumerate(words) if word == "-f"]
    assert all((ROOT / each).is_file() for each in files)
    parser = argparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("-f", action="append")
    parser.add_argument("--profile")
    verbs = parser.add_subparsers(dest="verb", required=True)
    up = verbs.add_parser("up")
    for name in ("--build", "--detach", "--wait"):
        up.add_argument(name, action="store_true")
    up.add_argument("services", nargs="*")
    run = verbs.add_parser("run")
    run.add_argument("--rm", action="store_true")
    run.add_argument("--no-deps", action="store_true")
    run.add_argument("-v", action="append")
    verbs.add_parser("stop").add_argument("services", nargs="+")
    for verb in (run, verbs.add_parser("exec")):
        verb.add_argument("services", nargs=1)
        verb.add_argument("command", nargs=argparse.REMAINDER)
    verbs.add_parser("build").add_argument("--build-arg", action="append")
    verbs.add_parser("down")
    parsed = parser.parse_args(words)
    assert set(getattr(parsed, "services", [])) <= set(compose.raw()["services"])
    inside = getattr(parsed, "command", [])
    if inside[:2] == ["python", "manage.py"]:
        assert shlex.join(inside) in RUN


def check_command(command: str) -> None:
    """Raise an error for a command that is none, or of no kind that is known."""
    subprocess.run(["/bin/sh", "-n", "-c", command], check=True, capture_output=True)
    if command in LISTED or command in RUN:
        return
    words = words_of(command)
    if words[:2] == ["docker", "compose"]:
        parse_compose(words[2:])
    else:
        raise LookupError(f"neither run nor parsed nor listed: {command}")


@pytest.mark.unhurried
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_a_page_is_run_or_parsed_or_listed_with_its_reason(page: Path) -> None:
    run_below = {command for command, _ in readme_steps()} if page.name == "README.md" else set()
    for command in commands_of(page):
        if command not in run_below:
            check_command(command)


def test_a_command_that_nobody_knows_is_found() -> None:
    with pytest.raises(LookupError):
        check_command("wget localhost:8000")
    with pytest.raises(subprocess.CalledProcessError):
        check_command("docker compose up 'x")
    written = {command for page in PAGES for command in commands_of(page)}
    assert {*LISTED, *RUN} <= written


WITHIN = re.compile(r"`((?:\./dev|python manage\.py|manage\.py) [^`…]+)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_command_within_a_sentence_exists(page: Path) -> None:
    for command in WITHIN.findall(page.read_text()):
        *_, program, name = re.split(r"[ \n]+", command)[: 3 if "python" in command else 2]
        known = COMMANDS if program == "./dev" else get_commands()
        assert name in known or name.isupper(), command


def steps_of(page: Path) -> Iterator[tuple[str, str]]:
    """Yield each command of a page's console blocks, and what it prints."""
    for _, language, body in BLOCK.findall(page.read_text()):
        steps = re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]
        for step in steps if language == "console" else ():
            command, _, printed = step.strip().partition("\n")
            yield re.sub(r"\s+# .*$", "", command), printed.strip()


def readme_steps() -> Iterator[tuple[str, str]]:
    """Yield those commands of README that talk to the service or keep what it said."""
    for command, printed in steps_of(ROOT / "README.md"):
        if "curl" in command or re.match(r"[A-Z]+=\S*…|TOKEN=", command):
            yield command, printed


def run_typed(script: str, folder: Path, **variables: str) -> str:
    finished = subprocess.run(
        ["/bin/sh", "-c", script],
        cwd=folder, env=newcomers_environment() | variables,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert finished.returncode == 0, f"{script}\n{finished.stdout}{finished.stderr}"
    return finished.stdout


def pattern_of(printed: str) -> str:
    """Return a pattern for what is printed: `…` stands for any text, and `eyJh…` too."""
    return re.sub(r"\w*…", ".*", re.escape(printed))


@pytest.mark.processes
@pytest.mark.nightly
@pytest.mark.timeout(180)
def test_commands_do_as_printed_with_a_photograph_of_several_megabytes(
    tmp_path: Path, quick_python: Path
) -> None:
    """README's requests, then the operator's commands while the service runs."""
    grain = Random(1).randbytes(2000 * 1500 * 3)
    photograph = encode(Image.frombytes("RGB", (2000, 1500), grain), "JPEG", quality=90)
    assert len(photograph) > 2_000_000
    (tmp_path / "photo.jpg").write_bytes(photograph)
    with dev_run(tmp_path / "data", ADMIN_PASSWORD=PASSWORD) as service:
        until_ready(service)
        send_readmes_requests(service, tmp_path)
        with ThreadPoolExecutor() as both:
            list(both.map(partial(operate, tmp_path, quick_python), (INSTALL, KEEP)))


def send_readmes_requests(service: Running, folder: Path) -> None:
    script = ""
    values: dict[str, str] = {}
    for command, printed in readme_steps():
        typed = command.replace("localhost:8000", service.url.removeprefix("http://"))
        for shortened, value in values.items():
            typed = typed.replace(shortened, value)
        if not printed:
            script += f"\n{typed}"
            continue
        # Thumbnails follow within seconds: whoever only looks may look again.
        tries = 1 if re.search(" -[dF] ", typed) else 60
        for _ in range(tries):
            shown = run_typed(f"{script}\n{typed}", folder)
            shown = shown.replace(service.url, "http://localhost:8000").strip()
            found = re.match(pattern_of(printed), shown)
            if found:
                break
            time.sleep(0.5)
        assert found, f"{typed}\n{shown}"
        for shortened in re.findall(r'"token":"(\w+…)"', printed):
            values[shortened] = json.loads(shown)["token"]
    assert len(values) == 2


def operate(folder: Path, python: Path, commands: Sequence[str]) -> None:
    """Run them as typed, but for places, which become some of this machine."""
    restored, moved = folder / "restored", folder / "moved"
    places = {
        "env https://pictures.example.org": f"env https://pictures.example.org {folder}/.env",
        "PASSWORD .env": f"PASSWORD {folder}/.env",
        "/backups/tintype": f"{folder}/backups",
        "/var/lib/tintype/images": f"{restored}/images",
        "file:///data/images": f"file://{restored}/images",
        "s3://bucket/prefix?endpoint_url=https://s3.example.org&region=us-east-1": f"file://{moved}",
    }
    variables = {
        "PATH": f"{python.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "LOCAL": "on",
        "DATA_DIR": f"{folder}/data",
        "ADMIN_PASSWORD": PASSWORD,
    }
    printed = {command: text for page in PAGES for command, text in steps_of(page) if text}
    script = ""
    for command in commands:
        typed = command
        for place, here in places.items():
            typed = typed.replace(place, here)
        if re.match(r"export |\w+=", command):
            script += f"\n{typed}"
            continue
        if " restore " in command:
            # What follows is done there, as if it were the machine of the service.
            variables["DATA_DIR"] = str(restored)
        if command == "python manage.py move_storage --from file:///data/images":
            # As if this one had come in between.
            next(moved.rglob("*.jpg")).unlink()
        shown = run_typed(f"{script}\n{typed}", ROOT, **variables)
        if command in printed and command not in PRINTS_ELSEWHERE:
            expected = printed[command].replace(".pgdump", ".sqlite3")
            expected = re.sub(r"\d+", r"\\d+", re.escape(expected))
            shown = shown.replace(f"{folder}/backups", "/backups/tintype").strip()
            assert re.fullmatch(expected, shown), shown
