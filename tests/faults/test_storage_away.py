"""A storage that refuses connections under load, and takes them again."""

from collections.abc import Callable

import pytest

from tests.faults.accounting import Bucket, Outages, Tables, check_nothing_lost
from tests.faults.deployment import Deployment
from tests.faults.gate import Gate
from tests.faults.test_parts_away import AFTER, BEFORE, IN_FLIGHT
from tests.faults.uploads import Load
from tests.servers.s3 import REGION, S3

pytestmark = [
    pytest.mark.processes, pytest.mark.nightly, pytest.mark.apart,
    pytest.mark.rabbitmq, pytest.mark.s3, pytest.mark.timeout(480),
]  # fmt: skip
SECONDS = 10


def test_a_storage_that_refuses_costs_refusals_and_nothing_else(
    deploy: Callable[..., Deployment],
    tables: Tables,
    s3_server: S3,
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
            load.keep_uploading(SECONDS)
            gate.open()
        load.until_stored(AFTER)
    files = Bucket(s3_server.client(), bucket)
    report_figures(check_nothing_lost(load, tables, files, outages=outages, max_orphans=IN_FLIGHT))
    gate.shut()


def port_of(server: S3) -> int:
    return int(server.endpoint_url.rsplit(":", 1)[1])
