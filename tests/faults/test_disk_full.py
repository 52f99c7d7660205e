"""A disk that is full refuses pictures in the doors' words, and blames none of those it has."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from devkit.children import which
from tests.faults.accounting import Disk, Outages, accounts_for_all
from tests.faults.uploads import Load

pytestmark = [
    pytest.mark.processes, pytest.mark.slow, pytest.mark.rabbitmq, pytest.mark.timeout(240),
]  # fmt: skip

SIZE_MB = 48
BEFORE, REFUSED, AFTER = 10, 20, 20
MOUNT, UMOUNT = (str(which(name, folders=[Path("/sbin")])) for name in ("mount", "umount"))


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Mount a file system of its own; needs root, or a user namespace in which this is root."""
    folder.mkdir()
    options = f"size={SIZE_MB}m,mode=755"
    subprocess.run([MOUNT, "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run([UMOUNT, "--lazy", folder], check=True)


def fill(folder: Path) -> Path:
    """Write until there is no room for one more page."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1024**2, 4096):
            try:
                while True:
                    file.write(os.urandom(size))
            except OSError:
                continue
    return filler


def test_a_full_disk_costs_refusals_and_no_thumbnail(deployed, tables, told, tmp_path):
    with small_disk(tmp_path / "disk") as disk:
        deployment, outages = deployed(DATA_DIR=str(disk)), Outages()
        with Load(deployment) as load:
            load.until_stored(BEFORE)
            for _ in range(2):
                with outages.one():
                    filler = fill(disk)
                    load.until_refused(REFUSED)
                    filler.unlink()
                load.until_stored(AFTER)
        told(accounts_for_all(load, tables, Disk(disk / "images"), outages=outages))
        assert list((disk / "work").iterdir()) == []
        deployment.end()
