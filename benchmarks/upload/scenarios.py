"""What is uploaded, and what came of it as rows of tables."""

import math
import statistics
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache

import psycopg
from tqdm import tqdm

from benchmarks.deployment import BROKERS, DATABASE, Deployment
from benchmarks.turns import is_compared, turn
from benchmarks.upload.client import Form, Person, Upload

Row = dict[str, float | None]
# What follows a commit, as acknowledging a message, is part of an upload.
_SETTLE_SECONDS = 0.15
# For what is made after thumbnails, of all uploads of a slice.
_PATIENCE = 600.0
_UNFINISHED = """
    select count(*) from thumbnails_renderclaim c where to_jsonb(c) ->> 'beside_due_at' is not null
"""
_COUNTED_SECONDS = 11
WRITES = "inserts", "updates", "of them HOT"


@dataclass
class Measured:
    """Slices of uploads of one kind; CPU in seconds by part, for each slice.

    `cpu` is until thumbnails are ready, `cpu_in_all` until what is made after them is there too;
    `worker_itself` is the worker's without its decoders, until then and in all.
    """

    slices: list[list[Upload]] = field(default_factory=list)
    cpu: list[dict[str, float]] = field(default_factory=list)
    cpu_in_all: list[dict[str, float]] = field(default_factory=list)
    worker_itself: list[dict[str, float]] = field(default_factory=list)

    @property
    def uploads(self) -> list[Upload]:
        """All of them."""
        return [each for part in self.slices for each in part]

    def cpu_ms(self, *parts: str) -> float:
        """Return milliseconds of CPU for an upload until it is ready, the median of the slices."""
        return self._median_ms(self.cpu, parts)

    def cpu_row(self) -> Row:
        """Return CPU of all processes until it is ready, what of it is whose, and CPU in all."""
        named = {"web CPU": "web", "worker CPU": "worker", "db CPU": DATABASE}
        others = "sockets", "beat", BROKERS
        row: Row = {"CPU to ready": self.cpu_ms()}
        row |= {name: self.cpu_ms(part) for name, part in named.items()}
        return row | {
            "others": self.cpu_ms(*others),
            "CPU in all": self._median_ms(self.cpu_in_all, ()),
            "worker itself to ready": self._median_ms(self.worker_itself, ["ready"]),
            "worker itself in all": self._median_ms(self.worker_itself, ["in all"]),
        }

    def add_slice(self, parts: "Measured") -> None:
        """Add what was measured one by one as one slice."""
        self.slices.append(parts.uploads)
        for mine, theirs in (
            (self.cpu, parts.cpu),
            (self.cpu_in_all, parts.cpu_in_all),
            (self.worker_itself, parts.worker_itself),
        ):
            mine.append({part: sum(each[part] for each in theirs) for part in theirs[0]})

    def _median_ms(self, cpu: list[dict[str, float]], parts: Sequence[str]) -> float:
        shares = zip(self.slices, cpu, strict=True)
        return 1000 * statistics.median(
            sum(used[part] for part in parts or used) / len(uploads) for uploads, used in shares
        )


def row_writes(deployment: Deployment) -> Counter[str]:
    """Return how often rows of pictures were written until now, as PostgreSQL counts it."""
    # A session that goes on tells what it counted after a second; idle ones have.
    time.sleep(_COUNTED_SECONDS)
    [row] = deployment.sql(
        "select n_tup_ins, n_tup_upd, n_tup_hot_upd from pg_stat_user_tables "
        "where relname = 'images_picture'"
    )
    return Counter({name: int(str(each)) for name, each in zip(WRITES, row, strict=True)})


@contextmanager
def counted(deployment: Deployment, into: Measured) -> Iterator[list[Upload]]:
    """Count the CPU of what is appended to the list inside, and of what is made after it."""
    uploads: list[Upload] = []
    before, itself = deployment.cpu(), deployment.own_cpu("worker")
    yield uploads
    time.sleep(_SETTLE_SECONDS)
    # Before what is made after thumbnails begins.
    itself_ready, ready = deployment.own_cpu("worker"), deployment.cpu()
    _wait_until_finished(deployment)
    time.sleep(_SETTLE_SECONDS)
    after = deployment.cpu()
    into.slices.append(uploads)
    into.cpu.append({part: ready[part] - before[part] for part in ready})
    into.cpu_in_all.append({part: after[part] - before[part] for part in after})
    itself_in_all = deployment.own_cpu("worker")
    into.worker_itself.append({"ready": itself_ready - itself, "in all": itself_in_all - itself})


def _wait_until_finished(deployment: Deployment) -> None:
    """Wait for smaller formats that are made after thumbnails; earlier commits make them first."""
    database, end = _connect(deployment.database_url), time.monotonic() + _PATIENCE
    has_claims = database.execute("select to_regclass('thumbnails_renderclaim')").fetchone()
    while has_claims != (None,) and database.execute(_UNFINISHED).fetchone() != (0,):
        if time.monotonic() > end:
            raise RuntimeError("smaller formats are not made")
        time.sleep(0.1)


@cache
def _connect(url: str) -> psycopg.Connection:
    """Connect once, since each time would cost the database as much as a small request."""
    return psycopg.connect(url, autocommit=True)


def measure_lone(
    deployment: Deployment, person: Person, forms: dict[str, Form], rounds: int, each: int
) -> dict[str, Measured]:
    """Upload one after the other, each once the thumbnails of the former are ready."""
    found = {name: Measured() for name in forms}
    for _ in _rounds(rounds, "lone uploads"):
        for name, form in forms.items():
            one_by_one = Measured()
            with turn():
                for _ in range(each):
                    with counted(deployment, one_by_one) as uploads:
                        uploads.append(person.upload(form))
            found[name].add_slice(one_by_one)
    return found


def measure_at_once(
    deployment: Deployment, person: Person, form: Form, rounds: int, count: int, lanes: int
) -> Measured:
    """Upload so many at a time, and wait for all thumbnails."""
    found = Measured()
    for _ in _rounds(rounds, f"{lanes} at a time"):
        with turn(), counted(deployment, found) as uploads:
            uploads.extend(send_many(person, form, count, lanes))
    return found


def send_many(person: Person, form: Form, count: int, lanes: int) -> list[Upload]:
    """Upload as fast as so many lanes can, then wait for all thumbnails."""
    bar = tqdm(total=count, desc="uploading", leave=False, disable=is_compared() or count < 100)

    def send(_: int) -> tuple[int, Upload]:
        sent = person.send(form)
        bar.update()
        return sent

    with ThreadPoolExecutor(lanes) as pool, bar:
        sent = list(pool.map(send, range(count)))
    return [person.wait(*each) for each in sent]


def _rounds(count: int, what: str) -> Iterator[int]:
    yield from tqdm(range(count), desc=what, leave=False, disable=is_compared())


def at(share: float, seconds: Sequence[float]) -> float:
    """Return a quantile in milliseconds."""
    ordered = sorted(seconds)
    return 1000 * ordered[math.ceil(share * (len(ordered) - 1))]


def lone_row(measured: Measured) -> Row:
    """Describe lone uploads, by medians."""
    uploads = measured.uploads
    return {
        "201 ms": at(0.5, [each.until_answer for each in uploads]),
        "ready ms": at(0.5, [each.until_ready for each in uploads]),
        **measured.cpu_row(),
    }


def many_row(measured: Measured) -> Row:
    """Describe uploads that came together; "after" counts from the 201."""
    uploads, after = measured.uploads, [each.ready_after for each in measured.uploads]
    seconds = sum(
        max(each.answered if each.ready is None else each.ready for each in part)
        - min(each.sent for each in part)
        for part in measured.slices
    )
    return {
        "201 p50 ms": at(0.5, [each.until_answer for each in uploads]),
        "ready p50": at(0.5, [each.until_ready for each in uploads]),
        "after p50": at(0.5, after),
        "after p99": at(0.99, after),
        "ready/s": len(uploads) / seconds,
        **measured.cpu_row(),
    }
