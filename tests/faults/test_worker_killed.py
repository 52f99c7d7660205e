"""Workers that are killed over their pictures, again and again."""

from collections.abc import Callable

import pytest

from tests.faults.accounting import Disk, Tables, check_nothing_lost
from tests.faults.deployment import Deployment, until
from tests.faults.uploads import Load

pytestmark = [
    pytest.mark.processes, pytest.mark.nightly, pytest.mark.apart,
    pytest.mark.rabbitmq, pytest.mark.timeout(600),
]  # fmt: skip

# Each kill finds a worker at another moment of a rendering.
KILLS, UPLOADS = 24, 96
WORKERS = 2


def test_workers_killed_mid_render_lose_no_picture(
    deploy: Callable[..., Deployment], tables: Tables, report_figures: Callable[[str], None]
) -> None:
    # Killed workers' messages come back at once: with a lease as short as their restart, the same
    # two pictures would be claimed and killed each time until they fail permanently.
    deployment = deploy(workers=WORKERS, threads=1, forks_workers=True, RENDER_LEASE_SECONDS="8")
    killed = 0
    with Load(deployment, by_hand=True, size=(1600, 1200)) as load:
        while killed < KILLS:
            load.send(UPLOADS // (KILLS // WORKERS))
            killed += kill_all_mid_render(deployment, tables, load)
        load.until_stored(load.sent - load.count_stored())
        assert load.sent >= UPLOADS
    figures = check_nothing_lost(
        load, tables, Disk(deployment.folder / "data" / "images"), max_orphans=2 * killed
    )
    report_figures(f"{killed} kills: {figures}")


def kill_all_mid_render(deployment: Deployment, tables: Tables, load: Load) -> int:
    """Kill the workers once each holds a picture; return how many were rendering."""
    before = tables.claims()

    def every_worker_renders() -> bool:
        # One may have rendered all before another had started.
        if load.count_stored() == load.sent and not tables.count_pending():
            load.send(WORKERS)
        return len(tables.claims() - before) >= WORKERS

    until(every_worker_renders, "every worker renders", interval=0.02)
    held = tables.claims() - before
    for worker in deployment.workers:
        deployment.kill_forked(worker)
    return len(tables.claims() & held)
