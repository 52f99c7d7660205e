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

from tests.faults.deployment import TIMEOUT, Deployment, until
from tests.faults.uploads import Load, UploadResult

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
    """When a part was away: the only times at which a 503 is expected."""

    windows: list[tuple[float, float]] = field(default_factory=list)

    @contextmanager
    def during(self) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.windows.append((began, time.monotonic()))

    def overlap(self, result: UploadResult) -> bool:
        return any(result.began <= end and start <= result.ended for start, end in self.windows)


@dataclass
class Tables:
    """The database as seen from outside the service."""

    url: str
    _connection: psycopg.Connection[Row] | None = None

    def rows(self, query: str) -> list[Row]:
        """Ask by a connection that is kept; one that the server has closed gives way to another."""
        if self._connection is None:
            self._connection = psycopg.connect(self.url, autocommit=True, row_factory=dict_row)
        try:
            return self._connection.execute(query).fetchall()
        except psycopg.OperationalError:
            self.close()
            with psycopg.connect(self.url, row_factory=dict_row) as connection:
                return connection.execute(query).fetchall()

    def close(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None

    def count_pending(self) -> int:
        """So many pictures still want thumbnails, or what is to lie beside those."""
        [row] = self.rows(
            "SELECT count(*) FROM images_picture LEFT JOIN thumbnails_renderclaim "
            "ON picture_id = id WHERE rendering = 'pending' OR beside_due_at IS NOT NULL"
        )
        count: int = row["count"]
        return count

    def count_waiting_files(self) -> int:
        """So many files of deleted rows, or of uploads that failed, are yet to be removed."""
        [row] = self.rows("SELECT count(*) FROM images_removedfile WHERE gone_at IS NULL")
        count: int = row["count"]
        return count

    def claims(self) -> set[tuple[int, int]]:
        """The pictures that a worker, dead or alive, has claimed, each with its attempt."""
        rows = self.rows(
            "SELECT picture_id, attempts FROM thumbnails_renderclaim WHERE leased_until > now()"
        )
        return {(row["picture_id"], row["attempts"]) for row in rows}

    def heights(self) -> list[int]:
        """Of the tier that everybody here has."""
        rows = self.rows(
            "SELECT DISTINCT height FROM tiers_tierheight JOIN accounts_user USING (tier_id) "
            "ORDER BY height"
        )
        return [row["height"] for row in rows]


def check_nothing_lost(
    load: Load, tables: Tables, files: Files, *,
    outages: Outages | None = None, max_orphans: int = 0,
) -> str:  # fmt: skip
    """Assert that nothing was lost and nothing is left over; returns the figures.

    `max_orphans`: so many files may lie there that no row names, each left by a process that was
    killed between file and row; they are gone afterwards.
    """
    began = time.monotonic()
    until(lambda: not tables.count_pending(), "every picture has its thumbnails", 2 * TIMEOUT)
    waited = time.monotonic() - began
    # A lease of two minutes, if who removed them was killed, and some seconds until somebody looks.
    until(lambda: not tables.count_waiting_files(), "what waits is removed", 4 * TIMEOUT)
    for result in load.results:
        assert _is_expected(result, outages or Outages()), result
    pictures = tables.rows("SELECT * FROM images_picture")
    thumbnails = tables.rows("SELECT * FROM thumbnails_thumbnail")
    _check_stored_uploads(load, pictures, files)
    _check_thumbnails(pictures, thumbnails, tables.heights(), files)
    orphans = _count_orphans([*pictures, *thumbnails], files, max_orphans)
    _run_verify_storage(load.deployment, orphans)
    return (
        f"results {dict(load.count())}, pictures {len(pictures)}, thumbnails {len(thumbnails)}, "
        f"orphans {orphans}, all thumbnails {waited:.1f} s after the last response"
    )


def _is_expected(result: UploadResult, outages: Outages) -> bool:
    """A stored picture, or a 503 in the contract's shape while a part was away."""
    if result.is_stored:
        return True
    return (
        result.status == 503
        and result.headers.get("Retry-After", "").isdecimal()
        and isinstance(result.body, dict)
        and result.body.keys() == result.route.unavailable_keys
        and outages.overlap(result)
    )


def _check_stored_uploads(load: Load, pictures: list[Row], files: Files) -> None:
    """Every stored upload has a row of its own, and the bytes that were sent."""
    by_name = {(name, str(row[name])): row for row in pictures for name in ("id", "uid")}
    named = set()
    for result in filter(lambda result: result.is_stored, load.results):
        column, value = result.route.lookup(result.body)
        row = by_name[column, str(value)]
        named.add(row["id"])
        assert row["sha256"] == result.digest
        assert hashlib.sha256(files.read(row["key"])).hexdigest() == result.digest
    assert len(named) == load.count_stored()


def _check_thumbnails(
    pictures: list[Row], thumbnails: list[Row], heights: list[int], files: Files
) -> None:
    assert heights
    wanted = {(picture["id"], height) for picture in pictures for height in heights}
    failed = [row for row in pictures if row["rendering"] != "ready"]
    assert not failed, failed
    assert {(row["picture_id"], row["height"]) for row in thumbnails} == wanted
    for row in thumbnails:
        assert len(files.read(row["key"])) == row["bytes"] > 0
        for key, size in (("webp_key", "webp_bytes"), ("avif_key", "avif_bytes")):
            if row[key]:
                assert len(files.read(row[key])) == row[size] > 0


def _count_orphans(rows: list[Row], files: Files, max_orphans: int) -> int:
    there = files.keys()
    named = {row[name] for row in rows for name in ("key", "webp_key", "avif_key") if row.get(name)}
    assert named <= there, f"rows without a file: {named - there}"
    orphans = there - named
    assert len(orphans) <= max_orphans, f"files without a row: {orphans}"
    return len(orphans)


def _run_verify_storage(deployment: Deployment, orphans: int) -> None:
    """Without a grace time those files are all there is to mend; then all is well."""
    command = ("verify_storage", "--hash", "--grace", "0")
    if orphans:
        assert f"compared: {orphans} nobody's." in deployment.manage(*command, "--fix")
    found = deployment.manage(*command, "--verbosity", "2")
    assert "compared: all is well." in found
    assert "the difference is 0 bytes." in found
