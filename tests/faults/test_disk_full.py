"""A full disk refuses pictures in the contracts' shapes, and blames none of those it has."""

import pytest

from tests.faults.accounting import Disk, Outages, accounts_for_all
from tests.faults.scarcity import scarce_folder
from tests.faults.uploads import Load

pytestmark = [
    pytest.mark.processes, pytest.mark.slow, pytest.mark.rabbitmq, pytest.mark.timeout(240),
]  # fmt: skip

BEFORE, REFUSED, AFTER = 10, 20, 20


def test_a_full_disk_costs_refusals_and_no_thumbnail(deployed, tables, told, tmp_path):
    with scarce_folder(tmp_path / "disk") as (way, full):
        deployment, outages = deployed(DATA_DIR=str(tmp_path / "disk")), Outages()
        with Load(deployment) as load:
            load.until_stored(BEFORE)
            for _ in range(2):
                with outages.one(), full(deployment):
                    load.until_refused(REFUSED)
                load.until_stored(AFTER)
        files = Disk(tmp_path / "disk" / "images")
        told(f"{way}: {accounts_for_all(load, tables, files, outages=outages)}")
        deployment.end()
