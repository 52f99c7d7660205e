"""The database as one file."""

from pathlib import Path

import pytest
from pytest_django import Settings

from tests.servers.postgres import find
from upkeep.dumping import dump


@pytest.mark.django_db
@pytest.mark.postgres
def test_a_dump_keeps_its_name_through_a_power_cut(
    tmp_path: Path, settings: Settings, flushed: list[Path]
) -> None:
    settings.PG_BIN = str(find().folder)
    path = tmp_path / "now.pgdump"
    dump(path)
    assert list(tmp_path.iterdir()) == [path]
    assert flushed == [tmp_path]
