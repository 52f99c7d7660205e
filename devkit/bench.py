"""`./dev bench`: runs one module of the package `benchmarks`."""

import subprocess

from devkit import environment
from devkit.messages import Refusal, say


def run(arguments: list[str]) -> int:
    names = _names()
    if not arguments:
        say("Benchmarks: " + (", ".join(names) or "none yet"))
        return 0
    name, *rest = arguments
    if name not in names:
        raise Refusal(f"no benchmark {name!r}; there are: {', '.join(names) or 'none yet'}.")
    environment.prepare(environment.DEVELOPMENT)
    command = [environment.python(), "-m", f"benchmarks.{name}", *rest]
    return subprocess.run(command, cwd=environment.ROOT, check=False).returncode


def _names() -> list[str]:
    """Modules and packages of `benchmarks`; a leading underscore marks what they share."""
    found = (path.stem for path in (environment.ROOT / "benchmarks").glob("[!_]*"))
    return sorted(found)
