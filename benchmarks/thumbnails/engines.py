"""The processes that render, one for each way, so that their memory can be told apart."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.thumbnails.ways import WAYS
from tests.servers import npm

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Cost:
    """Of one picture."""

    cpu_ms: float
    peak_kib: float


@dataclass
class Engine:
    """A process that renders what it is told to."""

    process: subprocess.Popen[str]

    def render(self, source: Path) -> Cost:
        """Render both heights; raises RuntimeError where the process ended instead."""
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("the process has no pipes")
        self.process.stdin.write(f"{source}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"it ended: {self.process.args!r}")
        return Cost(**json.loads(answer))


@contextmanager
def engine(command: list[str]) -> Iterator[Engine]:
    """Run a process that renders, with one thread where its library has threads of its own."""
    env = os.environ | {"VIPS_CONCURRENCY": "1"}
    with subprocess.Popen(
        command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Engine(process)
        process.communicate()


def commands(folder: Path) -> dict[str, list[str]]:
    """Return how each way is started; sharp is installed into the folder."""
    module = [sys.executable, "-m", "benchmarks.thumbnails.worker"]
    found = {name: [*module, name, str(folder)] for name in WAYS}
    install_sharp(folder)
    sharp = [str(npm.NODE), str(HERE / "sharp.mjs"), str(folder), str(folder)]
    found |= {"sharp": [*sharp, "jpeg", "webp", "avif"], "sharp, JPEG": [*sharp, "jpeg"]}
    return found


def install_sharp(folder: Path) -> None:
    """Install sharp into a folder; its package brings its libraries."""
    shutil.copy(HERE / "package.json", folder)
    npm.run_npm("install", "--no-package-lock", folder=folder)
