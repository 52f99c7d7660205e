"""A part goes away under load and comes back: 503 in the contracts' shapes, and nothing lost.

All in one deployment, each with a person's uploads of its own.
"""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from tests.faults.accounting import Disk, Outages, Tables, check_nothing_lost
from tests.faults.conftest import Redis, Shared
from tests.faults.deployment import Deployment
from tests.faults.uploads import Load
from tests.servers.postgres import Postgres
from tests.servers.rabbitmq import Broker

pytestmark = [
    pytest.mark.processes, pytest.mark.nightly, pytest.mark.apart(together=True),
    pytest.mark.rabbitmq, pytest.mark.timeout(480),
]  # fmt: skip

# Uploads that are stored before a part goes away, without it, and after it came back.
BEFORE, WHILE_AWAY, AFTER = 8, 16, 8
# Those that go out at the moments at which it goes and comes.
AT_ONCE = 4
WHILE_REFUSED, WHILE_FULL = 4, 12
RESTARTS = 3
# What a lost COMMIT, or a response of S3 that was cut off, may leave: each upload's file, and two
# thumbnails of each rendering, each with a WebP beside it.
IN_FLIGHT = 2 + 2 * 4


@pytest.fixture
def deployment(shared: Shared) -> Iterator[Deployment]:
    """The deployment of all; a test that fails shows what it logged meanwhile."""
    log = shared.deployment.log
    before = log.stat().st_size
    yield shared.deployment
    print(log.read_bytes()[before:][-20_000:].decode(errors="replace"))  # noqa: T201


@pytest.fixture
def tables(deployment: Deployment) -> Iterator[Tables]:
    with closing(Tables(deployment.variables["DATABASE_URL"])) as tables:
        yield tables


def disk(deployment: Deployment) -> Disk:
    return Disk(deployment.data / "images")


def upload_without(part: Broker | Redis, deployment: Deployment, name: str) -> Load:
    """Upload before a part goes, without it, and after it came back: nothing is refused."""
    with Load(deployment, by_hand=True, name=name) as load:
        load.send(BEFORE)
        load.until_all_answered()
        load.send(AT_ONCE)
        part.stop()
        load.send(WHILE_AWAY)
        load.until_all_answered()
        load.send(AT_ONCE)
        part.start()
        load.send(AFTER)
        load.until_all_answered()
    assert load.count_stored() == load.sent
    return load


def test_without_rabbitmq_every_upload_is_taken(
    deployment: Deployment, tables: Tables, broker: Broker, name: str,
    report_figures: Callable[[str], None],
) -> None:  # fmt: skip
    load = upload_without(broker, deployment, name)
    report_figures(check_nothing_lost(load, tables, disk(deployment)))


def test_without_redis_every_upload_is_taken(
    deployment: Deployment, tables: Tables, redis: Redis, name: str,
    report_figures: Callable[[str], None],
) -> None:  # fmt: skip
    load = upload_without(redis, deployment, name)
    report_figures(check_nothing_lost(load, tables, disk(deployment)))


@pytest.mark.parametrize("way", ["stop", "kill"])
def test_a_restarted_database_costs_refusals_and_nothing_else(
    deployment: Deployment, tables: Tables, database: Postgres, name: str, way: str,
    report_figures: Callable[[str], None],
) -> None:  # fmt: skip
    outages = Outages()
    with Load(deployment, name=name) as load:
        for _ in range(RESTARTS):
            load.until_stored(BEFORE)
            with outages.during():
                getattr(database, way)()
                load.until_refused(WHILE_REFUSED)
                database.start()
        load.until_stored(AFTER)
    report_figures(
        check_nothing_lost(
            load, tables, disk(deployment), outages=outages, max_orphans=RESTARTS * IN_FLIGHT
        )
    )


def test_a_full_disk_costs_refusals_and_no_thumbnail(
    shared: Shared, deployment: Deployment, tables: Tables, name: str,
    report_figures: Callable[[str], None],
) -> None:  # fmt: skip
    """Pictures are refused, and none of those that are there is blamed."""
    outages = Outages()
    with Load(deployment, name=name) as load:
        load.until_stored(BEFORE)
        for _ in range(2):
            with outages.during(), shared.full(deployment):
                load.until_refused(WHILE_FULL)
            load.until_stored(AFTER)
    figures = check_nothing_lost(load, tables, disk(deployment), outages=outages)
    report_figures(f"{shared.way_of_filling}: {figures}")
