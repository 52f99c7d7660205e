"""Two ways to leave processes without room for a file: a disk that is full, a limit on file sizes.

A mount takes privileges that not every machine gives; a limit (EFBIG instead of ENOSPC) takes none.
"""

import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from devkit.children import which
from tests.faults.deployment import Deployment

SIZE_MB = 96
# The size limit of a file: less than any picture here.
MAX_BYTES = 4096
MOUNT, UMOUNT = (str(which(name, folders=[Path("/sbin")])) for name in ("mount", "umount"))
Full = Callable[[Deployment], AbstractContextManager[None]]


@contextmanager
def folder_that_can_fill_up(folder: Path) -> Iterator[tuple[str, Full]]:
    """Yield how the folder fills up, in words and as a context manager that takes a deployment."""
    folder.mkdir()
    options = f"size={SIZE_MB}m,mode=755"
    command = [MOUNT, "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        yield "a limit", limit_file_size
        return
    try:
        yield "a full tmpfs", lambda _: fill_disk(folder)
    finally:
        subprocess.run([UMOUNT, "--lazy", str(folder)], check=True)


@contextmanager
def fill_disk(folder: Path) -> Iterator[None]:
    """Leave no room for one more page."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1024**2, 4096):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
    yield
    filler.unlink()


@contextmanager
def limit_file_size(deployment: Deployment) -> Iterator[None]:
    """Let no process of the deployment write past the first page of a file."""
    before = {pid: _limit(pid, MAX_BYTES) for pid in process_ids(deployment)}
    yield
    for pid in process_ids(deployment):
        _limit(pid, before.get(pid, resource.RLIM_INFINITY))


def _limit(pid: int, size: int) -> int:
    """Set how large a process's files may grow; returns what held before."""
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))
    return soft


def process_ids(deployment: Deployment) -> list[int]:
    """Every process of the deployment: each leader's session."""
    leaders = {child.process.pid for child in deployment.running.values()}
    pids = [int(folder.name) for folder in Path("/proc").glob("[0-9]*")]
    return [pid for pid in pids if _session(pid) in leaders]


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0
