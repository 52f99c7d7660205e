"""One process that loads the settings with the variables of each question, in a fork of its own."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from tests.processes import ROOT

# What the settings import is imported once.
_ANSWER_EACH = """
import json, os, sys
import config.settings
from config.start import load_settings
for line in sys.stdin:
    variables, expression = json.loads(line)
    if os.fork() == 0:
        os.environ.update(variables)
        for name in [name for name in sys.modules if name.startswith("config.")]:
            if name != "config.start":
                del sys.modules[name]
        try:
            load_settings()
            answer = str(eval(expression, {"settings": sys.modules["config.settings"]}))
        except SystemExit as refusal:
            answer = str(refusal)
        print(json.dumps(answer), flush=True)
        os._exit(0)
    os.wait()
"""


@dataclass
class SettingsLoader:
    process: "subprocess.Popen[str]"

    def setting(self, name: str, **variables: str) -> str:
        """Return a setting as Python prints it, or why the settings refuse to be loaded.

        Whatever else was written, to standard error too, is no answer.
        """
        assert self.process.stdin
        assert self.process.stdout
        question = [variables, f"settings.{name}"]
        print(json.dumps(question), file=self.process.stdin, flush=True)
        answer: str = json.loads(self.process.stdout.readline())
        return answer


@contextmanager
def settings_loader(environment: Mapping[str, str]) -> Iterator[SettingsLoader]:
    """Start one with valid variables, to which each question adds its own."""
    process = subprocess.Popen(
        [sys.executable, "-c", _ANSWER_EACH],
        cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    yield SettingsLoader(process)
    rest, _ = process.communicate(timeout=60)
    assert (process.returncode, rest) == (0, "")
