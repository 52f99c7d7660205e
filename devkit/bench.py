"""`./dev bench`: runs one module of the package `benchmarks`, alone or beside another commit's."""

import os
import subprocess
from collections.abc import Mapping

from devkit import comparing, environment
from devkit.messages import Refusal, say

COMPARE = "--compare"
# What a benchmark takes of the shell's variables: the machine's, none of the service's.
_MACHINE = frozenset(
    {"PATH", "HOME", "USER", "LANG", "TMPDIR", "XDG_CACHE_HOME", "TERM", "COLUMNS", "LINES"}
)
_MACHINE_PREFIXES = ("BENCH_", "npm_config_", "PIP_", "UV_")


def run(arguments: list[str]) -> int:
    names = _names()
    if arguments[:1] == [COMPARE]:
        if len(arguments) < 2:
            raise Refusal("say with which commit: ./dev bench --compare COMMIT [NAME …].")
        _, commit, *rest = arguments
        return comparing.run(commit, _known([*rest] or ["upload"], names), clean_environment())
    if not arguments:
        say("Benchmarks: " + (", ".join(names) or "none yet"))
        say(f"Beside another commit, in turns: {COMPARE} COMMIT [NAME] [options]")
        return 0
    name, *rest = _known(arguments, names)
    environment.prepare(environment.DEVELOPMENT)
    command = [environment.python(), "-m", f"benchmarks.{name}", *rest]
    return subprocess.run(
        command, cwd=environment.ROOT, env=clean_environment(), check=False
    ).returncode


def clean_environment(variables: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return what a benchmark starts with: what the shell says of the machine, and nothing else."""
    return {
        name: value
        for name, value in variables.items()
        if name in _MACHINE or name.startswith(_MACHINE_PREFIXES)
    }


def _known(arguments: list[str], names: list[str]) -> list[str]:
    if arguments[0] not in names:
        raise Refusal(
            f"no benchmark {arguments[0]!r}; there are: {', '.join(names) or 'none yet'}."
        )
    return arguments


def _names() -> list[str]:
    """Modules and packages of `benchmarks` that can be run, which say so by a `main`."""
    folder = environment.ROOT / "benchmarks"
    packages = (path.parent for path in folder.glob("*/__main__.py"))
    modules = (
        path.with_suffix("")
        for path in folder.glob("[!_]*.py")
        if '__name__ == "__main__"' in path.read_text(encoding="utf-8")
    )
    return sorted(path.name for path in (*packages, *modules))
