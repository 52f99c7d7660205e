"""What `tests.program_shell` runs in `manage.py shell`: a request a line, its answer in a line."""

import contextlib
import io
import json
import os
import sys
import tempfile
import traceback
from dataclasses import dataclass
from typing import IO

from django.core.checks import run_checks
from django.core.management import execute_from_command_line
from django.db import connections


@dataclass
class Programs:
    """The process that all programs share, and its lines."""

    requests: IO[str]
    answers: IO[str]

    def run(self, line: str) -> str:
        self.requests.write(line)
        self.requests.flush()
        return self.answers.readline()

    def end(self) -> None:
        self.requests.close()
        os.wait()


def main() -> None:
    """Answer until the input ends; what loads the service and forks does nothing else."""
    programs: Programs | None = None
    is_checked = False
    for line in sys.stdin:
        match json.loads(line):
            case str():
                programs = programs or fork_programs()
                answer = programs.run(line)
            case words:
                if not is_checked:
                    # Each command begins with it, and most of it is to load pages and routes.
                    run_checks()
                    is_checked = True
                answer = json.dumps(fork_command(words)) + "\n"
        sys.stdout.write(answer)
        sys.stdout.flush()
    if programs:
        programs.end()


def fork_command(words: list[str]) -> tuple[int, str, str]:
    """Run a command of `manage.py`; return its exit code, what it says, and its complaints."""
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as complained:
        if not (pid := os.fork()):
            # Not the requests that come next.
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(said.fileno(), 1)
            os.dup2(complained.fileno(), 2)
            execute_from_command_line(["manage.py", *words])
            sys.exit()
        _, status = os.waitpid(pid, 0)
        said.seek(0)
        complained.seek(0)
        return os.waitstatus_to_exitcode(status), said.read(), complained.read()


def fork_programs() -> Programs:
    for_requests, to_requests = os.pipe()
    for_answers, to_answers = os.pipe()
    if not os.fork():
        os.close(to_requests)
        os.close(for_answers)
        run_programs(os.fdopen(for_requests), os.fdopen(to_answers, "w"))
        sys.exit()
    os.close(for_requests)
    os.close(to_answers)
    return Programs(os.fdopen(to_requests, "w"), os.fdopen(for_answers))


def run_programs(requests: IO[str], answers: IO[str]) -> None:
    for line in requests:
        said, trouble = io.StringIO(), ""
        try:
            with contextlib.redirect_stdout(said):
                exec(json.loads(line), {})  # noqa: S102 (a test's own program)
        except Exception:  # noqa: BLE001 (whatever it is, the test is told)
            trouble = traceback.format_exc()
        answers.write(json.dumps([said.getvalue(), trouble]) + "\n")
        answers.flush()
        connections.close_all()
