"""A full disk refuses pictures in the contracts' shapes, and blames none of those it has."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.accounting import Disk, Outages, Tables, check_nothing_lost
from tests.faults.deployment import Deployment
from tests.faults.scarcity import folder_that_can_fill_up
from tests.faults.uploads import Load

pytestmark = [
    pytest.mark.processes, pytest.mark.nightly, pytest.mark.apart,
    pytest.mark.rabbitmq, pytest.mark.timeout(480),
]  # fmt: skip

BEFORE, REFUSED, AFTER = 10, 20, 20


def test_a_full_disk_costs_refusals_and_no_thumbnail(
    deploy: Callable[..., Deployment],
    tables: Tables,
    report_figures: Callable[[str], None],
    tmp_path: Path,
) -> None:
    with folder_that_can_fill_up(tmp_path / "disk") as (way, full):
        deployment, outages = deploy(DATA_DIR=str(tmp_path / "disk")), Outages()
        with Load(deployment) as load:
            load.until_stored(BEFORE)
            for _ in range(2):
                with outages.during(), full(deployment):
                    load.until_refused(REFUSED)
                load.until_stored(AFTER)
        files = Disk(tmp_path / "disk" / "images")
        report_figures(f"{way}: {check_nothing_lost(load, tables, files, outages=outages)}")
        deployment.end()
