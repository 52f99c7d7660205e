"""A `./dev run` that all files of tests ask which can: its start takes five seconds of a core."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.gallery.browsing import BEHIND_A_PROXY, FOR_OTHER_ORIGINS, Service
from tests.processes import dev_run, until_ready


@pytest.fixture(scope="session")
def shared_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service; whoever asks has an account, and an address behind its proxy, of their own."""
    data_dir = tmp_path_factory.mktemp("shared") / "data"
    with dev_run(data_dir, **BEHIND_A_PROXY, **FOR_OTHER_ORIGINS) as running:
        until_ready(running)
        with closing(Service(running.url, data_dir)) as made:
            yield made
