"""The list of what `./dev` does, and the way from a word to its function."""

from collections.abc import Callable
from dataclasses import dataclass

from devkit import (
    bench,
    checks,
    cover,
    env_file,
    formatting,
    freshness,
    local_run,
    management,
    mutate,
    supply,
    tests,
)
from devkit.messages import Refusal, complain, say


@dataclass(frozen=True)
class Command:
    run: Callable[[list[str]], int]
    usage: str
    purpose: str


def _help(_arguments: list[str]) -> int:
    say("Usage: ./dev COMMAND\n")
    for command in COMMANDS.values():
        say(f"  {command.usage:<24} {command.purpose}")
    return 0


COMMANDS = {
    "run": Command(
        local_run.run, "run [--reload]", "serve everything on this machine; Ctrl-C stops it"
    ),
    "demo": Command(
        management.demo,
        "demo [--screenshots]",
        "make an account with drawn pictures and links, to look at",
    ),
    "manage": Command(
        management.manage, "manage ARGUMENTS", "run manage.py with the local run's settings"
    ),
    "shell": Command(management.shell, "shell", "open Django's shell on the local run's data"),
    "test": Command(tests.run, "test [--all|--fast|…]", "run the tests against private servers"),
    "check": Command(checks.run, "check [--no-tests]", "format, lint, types, Django, tests"),
    "fmt": Command(formatting.run, "fmt", "repair format and imports"),
    "mutate": Command(
        mutate.run, "mutate [MODULE …]", "change modules in one place each; do tests notice?"
    ),
    "cover": Command(cover.run, "cover [TESTS]", "show which lines and branches the tests run"),
    "bench": Command(bench.run, "bench NAME", "run one benchmark; without NAME, list them"),
    "env": Command(env_file.run, "env https://HOST", "make the .env of docker-compose.yml"),
    "sbom": Command(supply.write_sbom, "sbom [FILE]", "write what an image holds (CycloneDX)"),
    "freshness": Command(
        freshness.run, "freshness", "say how old the newest releases of the decoders are"
    ),
    "help": Command(_help, "help", "show this list"),
}


def main(arguments: list[str]) -> int:
    """Run one command and return its exit code; a Refusal becomes one line and 1."""
    word, *rest = arguments or ["help"]
    command = COMMANDS.get("help" if word in {"-h", "--help"} else word)
    if not command:
        complain(f"unknown command {word!r}; ./dev help lists them.")
        return 2
    try:
        return command.run(rest)
    except Refusal as refusal:
        complain(str(refusal))
        return 1
    except KeyboardInterrupt:
        return 130
