"""A part goes away under load and comes back: 503 in the contracts' shapes, and nothing lost."""

from collections.abc import Callable

import pytest

from tests.faults.accounting import Bucket, Disk, Outages, Tables, check_nothing_lost
from tests.faults.conftest import Redis
from tests.faults.deployment import Deployment
from tests.faults.gate import Gate
from tests.faults.uploads import Load
from tests.servers import s3
from tests.servers.postgres import Postgres
from tests.servers.rabbitmq import Broker
from tests.servers.s3 import REGION, S3

pytestmark = [
    pytest.mark.processes, pytest.mark.nightly, pytest.mark.apart, pytest.mark.timeout(480),
]  # fmt: skip

# Uploads that are stored before a part goes away, without it, and after it came back.
BEFORE, WHILE_AWAY, AFTER = 10, 20, 10
WHILE_REFUSED = 4
RESTARTS = 3
S3_SECONDS = 10
# What a lost COMMIT, or a response of S3 that was cut off, may leave: each upload's file, and two
# thumbnails of each rendering, each with a WebP beside it.
IN_FLIGHT = 2 + 2 * 4


def disk(deployment: Deployment) -> Disk:
    return Disk(deployment.folder / "data" / "images")


def upload_without(part: Broker | Redis, deployment: Deployment) -> Load:
    """Upload before a part goes, without it, and after it came back: nothing is refused."""
    with Load(deployment) as load:
        load.until_stored(BEFORE)
        part.stop()
        load.until_stored(WHILE_AWAY)
        part.start()
        load.until_stored(AFTER)
    return load


@pytest.mark.rabbitmq
def test_without_rabbitmq_every_upload_is_taken(
    deploy: Callable[..., Deployment],
    tables: Tables,
    broker: Broker,
    report_figures: Callable[[str], None],
) -> None:
    deployment = deploy()
    report_figures(check_nothing_lost(upload_without(broker, deployment), tables, disk(deployment)))


def test_without_redis_every_upload_is_taken(
    deploy: Callable[..., Deployment],
    tables: Tables,
    redis: Redis,
    report_figures: Callable[[str], None],
) -> None:
    deployment = deploy()
    report_figures(check_nothing_lost(upload_without(redis, deployment), tables, disk(deployment)))
    # With all parts there, and after pictures were decoded, every process stops in order.
    assert deployment.stop() == {0}


@pytest.mark.parametrize("way", ["stop", "kill"])
def test_a_restarted_database_costs_refusals_and_nothing_else(
    deploy: Callable[..., Deployment],
    tables: Tables,
    database: Postgres,
    report_figures: Callable[[str], None],
    way: str,
) -> None:
    deployment, outages = deploy(), Outages()
    with Load(deployment) as load:
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


@pytest.mark.s3
def test_a_storage_that_refuses_costs_refusals_and_nothing_else(
    deploy: Callable[..., Deployment],
    tables: Tables,
    s3_server: s3.S3,
    name: str,
    report_figures: Callable[[str], None],
) -> None:
    bucket, gate = s3_server.make_bucket(name.replace("_", "-")), Gate(port_of(s3_server))
    place = f"s3://{bucket}/images?endpoint_url=http://127.0.0.1:{gate.port}&region={REGION}"
    keys = {
        "AWS_ACCESS_KEY_ID": s3_server.access_key,
        "AWS_SECRET_ACCESS_KEY": s3_server.secret_key,
    }
    own = {"STORAGE_URL": place, **keys}
    deployment, outages = deploy(**own), Outages()
    with Load(deployment) as load:
        load.until_stored(BEFORE)
        with outages.during():
            gate.shut()
            load.keep_uploading(S3_SECONDS)
            gate.open()
        load.until_stored(AFTER)
    files = Bucket(s3_server.client(), bucket)
    report_figures(check_nothing_lost(load, tables, files, outages=outages, max_orphans=IN_FLIGHT))
    gate.shut()


def port_of(server: S3) -> int:
    return int(server.endpoint_url.rsplit(":", 1)[1])
