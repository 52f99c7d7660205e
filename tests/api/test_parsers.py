"""JSON that is written to do harm: refused at every contract, and never large in memory."""

import io
import tracemalloc
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from accounts.models import User
from api.long_texts import LongText
from api.parsers import JsonParser, PictureJsonParser
from tests.api.access_requests import known_ids
from tests.api.access_table import ROWS, Row
from tests.clients import Client
from tests.factories import make_picture, token_client
from tests.pictures import jpeg

WRITES = [row for row in ROWS if row.method in {"POST", "PUT", "PATCH"} or row.body]
NESTED = {"lists": b"[" * 60_000, "objects": b'{"a":' * 12_000}
# What a body of each parser may weigh: 64 KB by Django's limit, megabytes where a picture belongs.
SMALL, LARGE = 64 * 1024, 3_000_000


@pytest.fixture
def ids(
    alice: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> dict[str, str]:
    with django_capture_on_commit_callbacks(execute=True):
        picture = make_picture(alice, jpeg(640, 500))
    return known_ids(alice, picture, picture)


def unreadable(client: Client, row: Row, ids: dict[str, str], body: bytes) -> int:
    path = row.path.format(**ids)
    return client.generic(row.method, path, body, content_type="application/json").status_code


@pytest.mark.unhurried
@pytest.mark.django_db
@pytest.mark.parametrize("nested", NESTED)
def test_json_that_nests_too_deeply_is_the_clients_fault_at_every_contract(
    alice: User, ids: dict[str, str], nested: str
) -> None:
    statuses = {
        (row.method, row.path): unreadable(client, row, ids, NESTED[nested])
        for row in WRITES
        for client in (Client(), token_client(alice))
    }
    assert {where: status for where, status in statuses.items() if status >= 500} == {}
    reading = {(row.method, row.path) for row in WRITES if row.body and not row.file_field}
    assert {where: statuses[where] for where in reading if statuses[where] != 400} == {}


def peak(parser: type[BaseParser], body: bytes) -> int:
    """How many bytes parsing takes at its worst, the body itself left out."""
    stream = io.BytesIO(body)
    stream.getvalue()
    tracemalloc.start()
    try:
        parse(parser, stream)
    except ParseError:
        pass
    finally:
        taken = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return taken


def parse(parser: type[BaseParser], stream: io.BytesIO) -> Any:
    """Return what a view with a picture in `data` would get, the beginning of the picture alone."""
    with ExitStack() as resources:
        view = SimpleNamespace(picture_field="data", resources=resources)
        value = parser().parse(stream, "application/json", {"view": view})
        if isinstance(value, dict) and isinstance(value.get("data"), LongText):
            value["data"] = "".join(value["data"].pieces())
        return value


def repeat(piece: bytes, size: int) -> bytes:
    return b"[" + piece * ((size - 2) // len(piece)) + b"0]"


PIECES = [
    b"[],", b"{},", b'"",', b'"ab",', b"1.5,", b'{"a":[]},', b"[" * 900 + b"]" * 900 + b",",
]  # fmt: skip


@pytest.mark.unhurried
@pytest.mark.parametrize("piece", PIECES, ids=lambda piece: piece[:9].decode())
def test_no_body_takes_much_more_memory_than_its_bytes(piece: bytes) -> None:
    assert peak(JsonParser, repeat(piece, SMALL)) < 4_000_000
    assert peak(PictureJsonParser, repeat(piece, LARGE)) < LARGE


def test_a_picture_with_a_description_full_of_commas_is_read() -> None:
    body = b'{"description":"%b","data":"%b"}' % (b"," * 2_000, b"A" * LARGE)
    read = parse(PictureJsonParser, io.BytesIO(body))
    assert (len(read["description"]), len(read["data"])) == (2_000, LARGE)
