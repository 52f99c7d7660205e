"""Pictures counted in and out: what was answered, what the tables say, what the storage holds."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import psycopg
from psycopg.rows import dict_row

from tests.faults.deployment import PATIENCE, Deployment, until
from tests.faults.uploads import Answer, Load

Row = dict[str, Any]


class Files(Protocol):
    """A storage as seen from outside the service."""

    def keys(self) -> set[str]: ...

    def read(self, key: str) -> bytes: ...


@dataclass(frozen=True)
class Disk:
    folder: Path

    def keys(self) -> set[str]:
        """Everything, unfinished files too."""
        return {str(p.relative_to(self.folder)) for p in self.folder.rglob("*") if p.is_file()}

    def read(self, key: str) -> bytes:
        return (self.folder / key).read_bytes()


@dataclass(frozen=True)
class Bucket:
    client: Any
    name: str
    prefix: str = "images/"

    def keys(self) -> set[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        found = [each["Key"] for page in pages for each in page.get("Contents", [])]
        return {key.removeprefix(self.prefix) for key in found}

    def read(self, key: str) -> bytes:
        whole = self.client.get_object(Bucket=self.name, Key=self.prefix + key)
        body: bytes = whole["Body"].read()
        return body


@dataclass
class Outages:
    """When a part was away: the only times at which a 503 is an answer."""

    windows: list[tuple[float, float]] = field(default_factory=list)

    @contextmanager
    def one(self) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.windows.append((began, time.monotonic()))

    def meet(self, answer: Answer) -> bool:
        return any(answer.began <= end and start <= answer.ended for start, end in self.windows)


@dataclass
class Tables:
    """The database as seen from outside the service."""

    url: str

    def rows(self, query: str) -> list[Row]:
        with psycopg.connect(self.url, row_factory=dict_row) as connection:
            return connection.execute(query).fetchall()

    def waiting(self) -> int:
        """So many pictures still want thumbnails."""
        [row] = self.rows("SELECT count(*) FROM images_picture WHERE rendering = 'pending'")
        count: int = row["count"]
        return count

    def held(self) -> set[tuple[int, int]]:
        """The pictures that a worker, dead or alive, has claimed, each with its attempt."""
        rows = self.rows(
            "SELECT id, render_attempts FROM images_picture "
            "WHERE rendering = 'pending' AND render_leased_until > now()"
        )
        return {(row["id"], row["render_attempts"]) for row in rows}

    def heights(self) -> list[int]:
        rows = self.rows(
            "SELECT height FROM tiers_tierheight JOIN accounts_user USING (tier_id) "
            "WHERE username = 'alice' ORDER BY height"
        )
        return [row["height"] for row in rows]


def accounts_for_all(
    load: Load, tables: Tables, files: Files, *,
    outages: Outages | None = None, may_break: bool = False, most_orphans: int = 0,
) -> str:  # fmt: skip
    """Assert that nothing was lost and nothing is left over; returns the figures.

    `may_break`: a connection may end without an answer. `most_orphans`: so many files may lie
    there that no row names, each left by a process that was killed between file and row; they are
    gone afterwards.
    """
    began = time.monotonic()
    until(lambda: not tables.waiting(), "every picture has its thumbnails", 2 * PATIENCE)
    waited = time.monotonic() - began
    for answer in load.answers:
        assert _is_in_shape(answer, outages or Outages(), may_break), answer
    pictures = tables.rows("SELECT * FROM images_picture")
    thumbnails = tables.rows("SELECT * FROM thumbnails_thumbnail")
    _stored_is_there(load, pictures, files)
    _thumbnails_are_there(pictures, thumbnails, tables.heights(), files)
    orphans = _files_and_rows_agree([*pictures, *thumbnails], files, most_orphans)
    _verified(load.deployment, orphans)
    return (
        f"answers {dict(load.count())}, pictures {len(pictures)}, thumbnails {len(thumbnails)}, "
        f"orphans {orphans}, all thumbnails {waited:.1f} s after the last answer"
    )


def _is_in_shape(answer: Answer, outages: Outages, may_break: bool) -> bool:
    """A stored picture, or a 503 in the contract's shape while a part was away."""
    if answer.is_stored:
        return True
    if answer.status == 0:
        return may_break
    return (
        answer.status == 503
        and answer.headers.get("Retry-After", "").isdecimal()
        and isinstance(answer.body, dict)
        and answer.body.keys() == answer.route.unavailable_keys
        and outages.meet(answer)
    )


def _stored_is_there(load: Load, pictures: list[Row], files: Files) -> None:
    """Every answer's row is its own, and its bytes are those that were sent."""
    by_name = {(name, str(row[name])): row for row in pictures for name in ("id", "uid")}
    named = set()
    for answer in filter(lambda answer: answer.is_stored, load.answers):
        column, value = answer.route.lookup(answer.body)
        row = by_name[column, str(value)]
        named.add(row["id"])
        assert row["sha256"] == answer.digest
        assert hashlib.sha256(files.read(row["key"])).hexdigest() == answer.digest
    assert len(named) == load.stored()


def _thumbnails_are_there(
    pictures: list[Row], thumbnails: list[Row], heights: list[int], files: Files
) -> None:
    assert heights
    wanted = {(picture["id"], height) for picture in pictures for height in heights}
    failed = [row for row in pictures if row["rendering"] != "ready"]
    assert not failed, failed
    assert {(row["picture_id"], row["height"]) for row in thumbnails} == wanted
    for row in thumbnails:
        assert len(files.read(row["key"])) == row["bytes"] > 0
        if row["webp_key"]:
            assert len(files.read(row["webp_key"])) == row["webp_bytes"] > 0


def _files_and_rows_agree(rows: list[Row], files: Files, most_orphans: int) -> int:
    there = files.keys()
    named = {row[name] for row in rows for name in ("key", "webp_key") if row.get(name)}
    assert named <= there, f"rows without a file: {named - there}"
    orphans = there - named
    assert len(orphans) <= most_orphans, f"files without a row: {orphans}"
    return len(orphans)


def _verified(deployment: Deployment, orphans: int) -> None:
    """Without a grace time those files are all there is to mend; then all is well."""
    command = ("verify_storage", "--hash", "--grace", "0")
    if orphans:
        assert f"compared: {orphans} nobody's." in deployment.manage(*command, "--fix")
    assert "compared: all is well." in deployment.manage(*command)
