"""From Debian's own PostgreSQL to the newest, by the commands of docs/operations.md."""

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from devkit.children import Reaper
from tests.servers.databases import fresh_database
from tests.servers.postgres import Postgres, Programs
from tests.upkeep.test_backups import UPLOAD, Service, new_database, start

__all__ = ["new_database", "start"]
pytestmark = [
    pytest.mark.processes, pytest.mark.nightly, pytest.mark.postgres, pytest.mark.timeout(300)
]  # fmt: skip


def major_version(url: str) -> int:
    with psycopg.connect(url) as connection:
        return connection.info.server_version // 10_000


def test_rows_and_files_go_over_to_the_next_major_version(
    debian_postgres: Programs,
    reaper: Reaper,
    tmp_path: Path,
    start: Callable[..., Service],
    new_database: Callable[..., str],
) -> None:
    old, new = Postgres(reaper, programs=debian_postgres), new_database()
    backup, folder = str(tmp_path / "backup"), str(debian_postgres.folder)
    old.start()
    with fresh_database(old.url, "tintype") as url:
        if major_version(url) == major_version(new):
            pytest.skip("Debian's own PostgreSQL is the newest")
        assert major_version(url) < major_version(new) >= 18
        before = start(DATABASE_URL=url, PG_BIN=folder)
        before.run("migrate", "-v", "0")
        state = before.state_after(UPLOAD)
        assert "6 new files" in before.run("back_up", backup)
        assert "6 files, 0 there already; 6 keys" in before.run("restore", backup, "--drill")
    old.stop()
    after = start(DATABASE_URL=new)
    assert "0 files, 6 there already" in after.run("restore", backup)
    assert "6 keys compared: all is well." in after.run("verify_storage", "--hash")
    assert after.state_after("") == state
