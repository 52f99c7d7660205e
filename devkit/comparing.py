"""`./dev bench --compare`: one benchmark on two commits at once, which take turns, as ratios.

The other commit's tree lies in a temporary folder. It is measured by this tree's benchmarks: a
folder beside it leads to them, and comes first where Python looks.
"""

import hashlib
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from devkit import environment
from devkit.messages import Refusal, say

_VARIABLE = "BENCH_TURNS"
_TREE = "BENCH_TREE"
# What measures; nothing of the service imports it.
_MEASURING = ("benchmarks", "devkit", "tests")
Rows = dict[str, dict[str, float | None]]


@dataclass
class _Run:
    """One of the two runs; `asks` while it waits for its turn."""

    name: str
    process: "subprocess.Popen[bytes]"
    say: IO[str]
    hear: IO[str]
    output: IO[bytes]
    tables: dict[str, Rows] = field(default_factory=dict)
    asks: bool = False
    has_ended: bool = False

    def go(self) -> None:
        """Let it measure, and return once that is over."""
        self.asks = False
        self.say.write("go\n")
        self.say.flush()
        self.read_until("over")

    def read_until(self, what: str) -> None:
        """Take what it tells, until it says this of a turn, or ends."""
        for line in self.hear:
            message = json.loads(line)
            if "table" in message:
                self.tables[message["table"]] = message["rows"]
            elif message["turn"] == what:
                self.asks = what == "asked"
                return
        self.has_ended = True
        if code := self.process.wait():
            self.output.seek(0)
            shown = self.output.read().decode(errors="replace")[-4000:]
            raise Refusal(f"the run of {self.name} ended with exit code {code}:\n{shown}")


def run(commit: str, arguments: list[str], variables: Mapping[str, str]) -> int:
    """Run a benchmark with its options on this tree and on a commit; print figures and ratios."""
    environment.prepare(environment.DEVELOPMENT)
    module = [f"benchmarks.{arguments[0]}", *arguments[1:]]
    with ExitStack() as stack:
        name, tree = stack.enter_context(_checked_out(commit))
        ours = stack.enter_context(_started("this tree", environment.ROOT, module, variables))
        theirs = stack.enter_context(_started(name, tree, module, variables))
        _take_turns(ours, theirs)
        _print(ours, theirs)
    return 0


@contextmanager
def _checked_out(commit: str) -> Iterator[tuple[str, Path]]:
    """Yield a commit's short name and its tree, with an environment that has what it pins.

    Environments are kept in the user's cache folder, by the hash of what is pinned.
    """
    short = _git("rev-parse", "--short", f"{commit}^{{commit}}").decode().strip()
    with tempfile.TemporaryDirectory(prefix="tintype-compared-") as name:
        tree = Path(name) / "tree"
        with tarfile.open(fileobj=BytesIO(_git("archive", "--format=tar", short))) as archive:
            archive.extractall(tree, filter="data")
        _make_environment(tree)
        yield short, tree


def _git(*arguments: str) -> bytes:
    done = subprocess.run(
        ["git", *arguments], cwd=environment.ROOT, capture_output=True, check=False
    )
    if done.returncode:
        raise Refusal(f"git {arguments[0]}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def _make_environment(tree: Path) -> None:
    """Share ours where the same is pinned, else make one."""
    lock = environment.DEVELOPMENT.name
    if (tree / lock).read_bytes() == environment.DEVELOPMENT.read_bytes():
        (tree / environment.VENV.name).symlink_to(environment.VENV)
        return
    say(f"Other packages are pinned there, by {lock}.")
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    kept = Path(cache) / "tintype-bench" / hashlib.sha256((tree / lock).read_bytes()).hexdigest()
    kept.mkdir(parents=True, exist_ok=True)
    if not (kept / "bin" / "python").exists():
        # Here and not over there, where venv refuses a link.
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(kept)], check=True)
    (tree / environment.VENV.name).symlink_to(kept)
    prepare = "from devkit import environment; environment.prepare(environment.DEVELOPMENT)"
    if subprocess.run([sys.executable, "-c", prepare], cwd=tree, check=False).returncode:
        raise Refusal("the other commit's packages cannot be installed.")


@contextmanager
def _started(
    name: str, tree: Path, module: list[str], variables: Mapping[str, str]
) -> Iterator[_Run]:
    theirs, say_end = os.pipe()
    hear_end, tell = os.pipe()
    python = tree / Path(environment.python()).relative_to(environment.ROOT)
    with tempfile.TemporaryFile() as output, _around(tree) as folder:
        process = subprocess.Popen(
            [str(python), "-m", *module],
            cwd=folder,
            env={
                **variables,
                _VARIABLE: f"{theirs},{tell}",
                _TREE: str(tree),
                "PYTHONPATH": str(tree),
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=(theirs, tell),
        )
        os.close(theirs)
        os.close(tell)
        with os.fdopen(say_end, "w") as saying, os.fdopen(hear_end) as hearing:
            try:
                yield _Run(name, process, saying, hearing, output)
            finally:
                process.terminate()
                process.wait()


@contextmanager
def _around(tree: Path) -> Iterator[Path]:
    """Yield a folder in which a benchmark finds this tree's code, and after it that of `tree`."""
    if tree == environment.ROOT:
        yield tree
        return
    with tempfile.TemporaryDirectory(prefix="tintype-around-") as name:
        for folder in _MEASURING:
            (Path(name) / folder).symlink_to(environment.ROOT / folder)
        yield Path(name)


def _take_turns(*runs: _Run) -> None:
    """Let one measure at a time, and another one first each time."""
    order = list(runs)
    for each in order:
        each.read_until("asked")
    while any(each.asks for each in order):
        for each in order:
            if each.asks:
                each.go()
        for each in order:
            if not each.has_ended:
                each.read_until("asked")
        order.reverse()


def _print(ours: _Run, theirs: _Run) -> None:
    if not ours.tables:
        raise Refusal("this benchmark has no rows that could be compared.")
    for title, rows in ours.tables.items():
        say(f"\n{title}\n{'':46}{ours.name:>12}{theirs.name:>12}{'ratio':>9}")
        for name, row in rows.items():
            other = theirs.tables.get(title, {}).get(name, {})
            for column, value in row.items():
                say(f"  {f'{name}, {column}':44}{_pair(value, other.get(column))}")


def _pair(one: Any, other: Any) -> str:
    cells = "".join(f"{'' if each is None else format(each, '.4g'):>12}" for each in (one, other))
    ratio = f"{one / other:.2f}" if one is not None and other else ""
    return f"{cells}{ratio:>9}"
