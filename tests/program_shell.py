"""`manage.py shell` of a service, for many programs: each start would take a second of a core."""

import json
import subprocess
from collections.abc import Mapping

from tests.processes import ROOT
from tests.servers import loaded_python

_RUN_PROGRAMS = """
import contextlib, io, json, sys, traceback
from django.db import connections
for line in sys.stdin:
    said, trouble = io.StringIO(), ""
    try:
        with contextlib.redirect_stdout(said):
            exec(json.loads(line), {})
    except Exception:
        trouble = traceback.format_exc()
    print(json.dumps([said.getvalue(), trouble]), flush=True)
    connections.close_all()
"""


class ProgramShell:
    """Starts with the first program; between two it has no connection to the database."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._process: subprocess.Popen[str] | None = None

    def run(self, program: str) -> str:
        """Return what the program prints; raise AssertionError where it fails."""
        if self._process is None:
            command = [loaded_python.find(), "manage.py", "shell", "-v", "0", "-c", _RUN_PROGRAMS]
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=self._env, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )  # fmt: skip
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{json.dumps(program)}\n")
        self._process.stdin.flush()
        said, trouble = json.loads(self._process.stdout.readline())
        assert not trouble, trouble
        assert isinstance(said, str)
        return said

    def close(self) -> None:
        """End it; what follows would start another."""
        if self._process:
            self._process.communicate(timeout=60)
            self._process = None
