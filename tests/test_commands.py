"""The commands of README and docs, as typed: run, or parsed where this machine cannot run them.

A command that is of none of these kinds fails: run it here, or list it with the reason.
"""

import argparse
import json
import re
import shlex
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from django.core.management import get_commands, load_command_class
from PIL import Image

from devkit.commands import COMMANDS
from tests.deployment import compose
from tests.pictures import encode
from tests.processes import ROOT, dev_run, is_ready, until

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^( *)```(console|sh|bash|shell)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
PASSWORD = "let-me-look-around"
# What neither a service nor a parser here can take, and why.
LISTED = {
    "grep ADMIN_PASSWORD .env": "reads the file that ./dev env wrote",
    "usermod --append --groups tintype www-data && systemctl restart nginx": "changes the machine",
    "chmod -R o-rwx /var/lib/tintype/images": "changes the machine",
    "sudo install -d -o 10001 -g 101 -m 0700 /srv/backups": "changes the machine",
    "export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…": "sets variables",
    "NEW='s3://bucket/prefix?endpoint_url=https://s3.example.org&region=us-east-1'": "a variable",
    'export STORAGE_URL="$NEW"': "sets a variable",
}
COMPOSE_VERBS = {"up", "run", "build", "down", "exec"}


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
    verbs = parser.add_subparsers(dest="verb", required=True)
    up = verbs.add_parser("up")
    for name in ("--build", "--detach", "--wait"):
        up.add_argument(name, action="store_true")
    up.add_argument("services", nargs="*")
    run = verbs.add_parser("run")
    run.add_argument("--rm", action="store_true")
    run.add_argument("--no-deps", action="store_true")
    run.add_argument("-v", action="append")
    for verb in (run, verbs.add_parser("exec")):
        verb.add_argument("services", nargs=1)
        verb.add_argument("command", nargs=argparse.REMAINDER)
    verbs.add_parser("build").add_argument("--build-arg", action="append")
    verbs.add_parser("down")
    parsed = parser.parse_args(words)
    assert set(getattr(parsed, "services", [])) <= set(compose.raw()["services"])
    inside = getattr(parsed, "command", [])
    if inside[:2] == ["python", "manage.py"]:
        parse_manage(inside[2:])


def parse_manage(words: list[str]) -> None:
    name, *options = words
    command = load_command_class(get_commands()[name], name)
    command.create_parser("manage.py", name).parse_args(options)


def check_command(command: str) -> None:
    """Raise an error for a command that is none, or of no kind that is known."""
    subprocess.run(["/bin/sh", "-n", "-c", command], check=True, capture_output=True)
    if command in LISTED:
        return
    words = words_of(command)
    if words[:2] == ["docker", "compose"]:
        parse_compose(words[2:])
    elif words[:2] == ["python", "manage.py"]:
        parse_manage(words[2:])
    elif words[0] == "./dev":
        assert words[1] in COMMANDS, command
    else:
        raise LookupError(f"neither run nor parsed nor listed: {command}")


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
    assert set(LISTED) <= written


# --- README's requests --------------------------------------------------------------------------


def readme_steps() -> Iterator[tuple[str, str]]:
    """Yield each command that talks to the service or keeps what it said, and what it prints."""
    for _, language, body in BLOCK.findall((ROOT / "README.md").read_text()):
        for step in (
            re.split(r"^\$ ", body, flags=re.MULTILINE)[1:] if language == "console" else ()
        ):
            command, _, printed = step.strip().partition("\n")
            if "curl" in command or re.match(r"[A-Z]+=\S*…|TOKEN=", command):
                yield command, printed.strip()


def run_typed(script: str, folder: Path) -> str:
    finished = subprocess.run(
        ["/bin/sh", "-c", script],
        cwd=folder, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return finished.stdout


def pattern_of(printed: str) -> str:
    """Return a pattern for what is printed: `…` stands for any text, and `eyJh…` too."""
    return re.sub(r"\w*…", ".*", re.escape(printed))


@pytest.mark.processes
@pytest.mark.slow
@pytest.mark.timeout(180)
def test_readmes_requests_do_as_printed_with_a_photograph_of_several_megabytes(
    tmp_path: Path,
) -> None:
    grain = Random(1).randbytes(2000 * 1500 * 3)
    photograph = encode(Image.frombytes("RGB", (2000, 1500), grain), "JPEG", quality=90)
    assert len(photograph) > 2_000_000
    (tmp_path / "photo.jpg").write_bytes(photograph)
    with dev_run(tmp_path / "data", ADMIN_PASSWORD=PASSWORD) as service:
        until(lambda: is_ready(service), 60, service)
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
                shown = run_typed(f"{script}\n{typed}", tmp_path)
                shown = shown.replace(service.url, "http://localhost:8000").strip()
                found = re.match(pattern_of(printed), shown)
                if found:
                    break
                time.sleep(0.5)
            assert found, f"{typed}\n{shown}"
            for shortened in re.findall(r'"token":"(\w+…)"', printed):
                values[shortened] = json.loads(shown)["token"]
    assert len(values) == 2
