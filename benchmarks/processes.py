"""CPU time and memory of a process with all that it started, as proc(5) tells them (Linux)."""

import os
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

_TICKS = os.sysconf("SC_CLK_TCK")
_PEAK_INTERVAL = 0.05


@dataclass(frozen=True)
class _Process:
    parent: int
    # Of its own and of ended children that it waited for, in ticks.
    cpu: int


@dataclass(frozen=True)
class Ran:
    """What a program printed, and what it took by itself: its children's memory is not in it."""

    output: str
    returncode: int
    seconds: float
    cpu: float
    peak_mib: float


def run_and_measure(command: Sequence[str | Path], cwd: Path) -> Ran:
    """Run a program to its end; what it says on its standard error is shown."""
    began, peak = time.perf_counter(), 0.0
    with TemporaryFile("w+", encoding="utf-8") as output:
        process = subprocess.Popen(command, cwd=cwd, stdout=output)
        # Not `ru_maxrss`: a program begins with the peak of the one that starts it.
        while not os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            peak = _peak_mib_of(process.pid) or peak
            time.sleep(_PEAK_INTERVAL)
        took, cpu = time.perf_counter() - began, cpu_seconds(process.pid)
        process.wait()
        output.seek(0)
        return Ran(output.read(), process.returncode, took, cpu, peak)


def _peak_mib_of(pid: int) -> float:
    """Return the most memory that a process had; 0 where it has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0


def cpu_seconds(leader: int) -> float:
    """Return the CPU time of a process and its descendants, ended ones included.

    Decoders have sessions of their own, so that who started whom is asked, not the session.
    """
    [found] = cpu_seconds_of([leader])
    return found


def cpu_seconds_of(leaders: Sequence[int]) -> list[float]:
    """Return `cpu_seconds` of several processes at one moment.

    One look at all that run takes a busy machine so long that meanwhile others go on.
    """
    everything = _read_all()
    return [
        sum(everything[pid].cpu for pid in _tree(leader, everything)) / _TICKS for leader in leaders
    ]


def own_cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process's own threads, without what it has started."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / _TICKS


def pss_mib(leader: int) -> float:
    """Return the memory of a process and its descendants; what is shared counts in shares."""
    return sum(map(pss_mib_of, descendants(leader)))


def descendants(leader: int) -> list[int]:
    """Return the process itself and all that live because of it, each after who started it."""
    return _tree(leader, _read_all())


def _tree(leader: int, everything: dict[int, _Process]) -> list[int]:
    children: dict[int, list[int]] = {}
    for pid, each in everything.items():
        children.setdefault(each.parent, []).append(pid)
    found = [leader] if leader in everything else []
    for pid in found:
        found.extend(children.get(pid, []))
    return found


def _read_all() -> dict[int, _Process]:
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            found[int(folder.name)] = _Process(int(fields[1]), sum(map(int, fields[11:15])))
    return found


def pss_mib_of(pid: int) -> float:
    """Return the memory of one process, 0 where it has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0
