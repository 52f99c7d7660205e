"""`manage.py` of a service, loaded once for many programs and commands of one environment.

Each start would take a second of a core. A command gets a process of its own, forked from one that
has loaded the service and done nothing else: it finds what a start finds.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from tests.processes import ROOT

_COMMAND = "from tests import program_runner; program_runner.main()"


class ProgramShell:
    """Starts with the first request; between two it has no connection to the database."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._process: subprocess.Popen[str] | None = None

    def run(self, program: str) -> str:
        """Return what the program prints; raise AssertionError where it fails."""
        said, trouble = self._ask(program)
        assert not trouble, trouble
        assert isinstance(said, str)
        return said

    def manage(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of `manage.py` to its end."""
        code, said, complained = self._ask(words)
        return subprocess.CompletedProcess(["manage.py", *words], code, said, complained)

    def _ask(self, request: str | tuple[str, ...]) -> Any:
        if self._process is None:
            command = [sys.executable, "manage.py", "shell", "-v", "0", "-c", _COMMAND]
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=self._env, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )  # fmt: skip
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{json.dumps(request)}\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        """End it; what follows would start another."""
        if self._process:
            self._process.communicate(timeout=60)
            self._process = None
