"""What the sandbox adds to the work on a picture: CPU, and time by the clock.

Beside it the same operation in a process that has just done it. Processes are forked ahead as the
service does, so that walls cost CPU and hardly any time.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks.parts import TREE
from benchmarks.processes import cpu_seconds
from benchmarks.tables import show
from benchmarks.thumbnails.pictures import photograph
from images.sandbox.template import Template

HEIGHTS = [400, 200]
_EACH = 10
# Until the next process has built its walls.
_PAUSE = 0.03
_TIMEOUT = 60
_LIMITS = {"max_bytes": 50_000_000, "max_pixels": 50_000_000}


@dataclass(frozen=True)
class Task:
    """An operation of `config.decoder` with a file."""

    operation: str
    source: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Took:
    """In milliseconds: CPU of all processes, and by the clock."""

    cpu: float
    clock: float


def run(picture: Path, rounds: int) -> None:
    """Measure in turns, and print medians."""
    with tempfile.TemporaryDirectory() as folder, _unjailed() as process, _jail() as jail:
        tasks = _draw_tasks(picture, Path(folder), process)
        for task in tasks.values():
            _do_all(task, process, jail)
        took = {
            name: [_do_all(task, process, jail) for _ in tqdm(range(rounds), name, leave=False)]
            for name, task in tasks.items()
        }
    rows = {}
    for name, each in took.items():
        free, jailed = (
            {part: statistics.median(getattr(one[at], part) for one in each) for part in _PARTS}
            for at in range(2)
        )
        rows[name] = {
            "CPU ms": free["cpu"],
            "jailed": jailed["cpu"],
            "jail CPU": jailed["cpu"] - free["cpu"],
            "ms": free["clock"],
            "jailed ms": jailed["clock"],
            "jail ms": jailed["clock"] - free["clock"],
        }
    show("The sandbox, beside the same in a process that has just done it; medians", rows)


_PARTS = ("cpu", "clock")


def _draw_tasks(picture: Path, folder: Path, process: "subprocess.Popen[str]") -> dict[str, Task]:
    small, pixels = folder / "small.jpg", folder / "pixels"
    photograph(320, 240).save(small, quality=90)
    check = {"limits": _LIMITS, "is_upload": True, "max_pixel_bytes": 8 * 1024**2}
    whole = Task("inspect", str(picture), check | {"height": HEIGHTS[0]})
    shape = _ask(process, whole, pixels)["result"]["shape"]
    return {
        "check of a small JPEG": Task("inspect", str(small), check | {"height": None}),
        "check of 12 MP, with pixels": whole,
        "both thumbnails of its pixels": Task(
            "render_pixels", str(pixels), shape | {"heights": HEIGHTS, "quality": 80}
        ),
    }


def _do_all(task: Task, process: "subprocess.Popen[str]", jail: Template) -> tuple[Took, Took]:
    """Return what a task takes without the sandbox, and in it."""
    free = [_ask(process, task)["took"] for _ in range(_EACH)]
    before = cpu_seconds(os.getpid())
    clocks = [_do_in_jail(task, jail) for _ in range(_EACH)]
    time.sleep(_PAUSE)
    cpu = (cpu_seconds(os.getpid()) - before) / _EACH
    return (
        Took(*(statistics.median(each[part] for each in free) for part in _PARTS)),
        Took(1000 * cpu, statistics.median(clocks)),
    )


def _do_in_jail(task: Task, jail: Template) -> float:
    worker = jail.start()
    time.sleep(_PAUSE)
    with Path(task.source).open("rb") as source, tempfile.TemporaryFile() as output:
        job = {"operation": task.operation, "arguments": task.arguments}
        began = time.perf_counter()
        reply = worker.ask(job, [source.fileno(), output.fileno()], time.monotonic() + _TIMEOUT)
        took = time.perf_counter() - began
    worker.end()
    if "result" not in reply:
        raise RuntimeError(str(reply))
    return 1000 * took


@contextmanager
def _jail() -> Iterator[Template]:
    template = Template(TREE / "config" / "decoder.py", ["--warm"])
    try:
        template.wait()
        yield template
    finally:
        template.stop()


@contextmanager
def _unjailed() -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "benchmarks.thumbnails.unjailed"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.communicate()


def _ask(process: "subprocess.Popen[str]", task: Task, output: Path | None = None) -> Any:
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the process has no pipes")
    asked = asdict(task) | {"output": str(output or os.devnull)}
    process.stdin.write(json.dumps(asked) + "\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    if not answer:
        raise RuntimeError("it ended")
    return json.loads(answer)
