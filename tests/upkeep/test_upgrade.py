"""From the first commit that had migrations (851a1df) to now, on each kind of database.

`first_release` holds what that commit made: its database as SQL, and its files. Alice has a picture
with two thumbnails, a link to it and an API token, bob one picture.
"""

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from tests.processes import ROOT
from tests.upkeep.test_backups import Service, new_database, start

pytestmark = [
    pytest.mark.processes, pytest.mark.nightly, pytest.mark.postgres, pytest.mark.timeout(300)
]  # fmt: skip
FIRST = Path(__file__).parent / "first_release"
TOKENS = {
    "sqlite": "b2937624aada8d39e0a63a3d9ac84968ae8a6c97",
    "postgres": "d18a4ca71fb424cbcbb336a6f141526190171414",
}
# What alice is answered, who signed in before the upgrade; then the links that she finds.
ASK = """
import json
from django.test import Client
client = Client(headers={{"Authorization": "Token {token}"}}, SERVER_NAME="localhost")
pictures = client.get("/api/user/images/?fields=description,visibility,thumbnails,state").json()
links = client.get("/api/user/links/").json()
print(json.dumps([pictures, links]))
"""
__all__ = ["new_database", "start"]


def load(kind: str, service: Service) -> None:
    """Give a service what the first release left."""
    folder = Path(service.env["DATA_DIR"])
    shutil.copytree(FIRST / kind / "images", folder / "images")
    sql = (FIRST / kind / "first.sql").read_text()
    if kind == "sqlite":
        with closing(sqlite3.connect(folder / "db.sqlite3")) as database:
            database.executescript(sql)
    else:
        with psycopg.connect(service.env["DATABASE_URL"], autocommit=True) as database:
            database.execute(sql.encode())


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_what_the_first_release_left_is_served(
    kind: str, start: Callable[..., Service], new_database: Callable[..., str]
) -> None:
    database = {"DATABASE_URL": new_database()} if kind == "postgres" else {}
    service = start(**database)
    load(kind, service)
    service.run("migrate", "-v", "0")
    service.run("verify_storage", "--hash", "--fix")
    assert "5 keys compared: all is well." in service.run("verify_storage", "--hash")
    said = service.run_program(ASK.format(token=TOKENS[kind]))
    [picture], [link] = json.loads(said.splitlines()[-1])
    assert (picture["description"], picture["visibility"], picture["state"]) == (
        "A hill", "public", "ready"
    )  # fmt: skip
    assert len(picture["thumbnails"]) == 2
    assert (link["opens"], link["revoked_at"]) == (0, None)
    tried = subprocess.run(
        [service.python, "-m", "config.doctor.restored"],
        cwd=ROOT, env=service.env | {"REDIS_URL": "redis://127.0.0.1:9/0"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert tried.stdout == (
        "2 pictures fetched, sign-in, upload, thumbnails and deletion work\n"
    ), tried.stderr
