"""A part that says nothing is an outage of that part alone.

One story for each part: a steady mix of requests, the part stops, everything is measured, the part
comes back. Nobody may wait longer than documented, and who needs the part is told to come again.
"""

import itertools
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.faults.accounting import Tables
from tests.faults.conftest import Redis
from tests.faults.contracts import UPLOAD_ROUTES
from tests.faults.deployment import Deployment, until
from tests.faults.gate import Gate, Mode
from tests.faults.uploads import make_distinct
from tests.pictures import encode, waves
from tests.servers import s3
from tests.servers.postgres import Postgres
from tests.servers.rabbitmq import Broker
from tests.servers.s3 import REGION

# It measures: what a machine that does other work says of seconds is no reason to fail.
pytestmark = [
    pytest.mark.processes,
    pytest.mark.nightly,
    pytest.mark.timeout(280),
    pytest.mark.skipif("SILENCES" not in os.environ, reason="SILENCES=silent runs it, by itself"),
]
MODES: Any = tuple(os.environ.get("SILENCES", "silent").split(","))
UPLOADS_AT_ONCE = 16
AWAY_SECONDS = 12.0
# What the service promises, and what a machine that does other work adds to it.
PROMISED, PROMISED_BY_DATABASE, SLACK = 5.0, 10.0, 3.0
# More than a person may send in a minute.
MANY_UPLOADS = {"UPLOADS_PER_MINUTE": "1000000"}
ROUTE = UPLOAD_ROUTES["restful_api"]


@dataclass
class Answer:
    kind: str
    began: float
    seconds: float
    status: int
    retry_after: str = ""
    body: Any = None
    note: str = ""


@dataclass
class Mix:
    """Requests of several kinds, at once and all the time."""

    deployment: Deployment
    answers: list[Answer] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def __enter__(self) -> "Mix":
        person = {"login": "alice", "password": "correct horse battery", "name": "Alice"}
        signed_up = requests.post(f"{self.deployment.url}/auth/signup", json=person, timeout=30)
        self._headers = {"Authorization": f"Bearer {signed_up.json()['token']}"}
        self._person = {"login": person["login"], "password": person["password"]}
        self._picture = encode(waves(480, 360), "JPEG", quality=85)
        kinds = [self._sign_in, self._list, self._page, self._health, self._ready]
        works = [*kinds, *[self._upload] * UPLOADS_AT_ONCE]
        self._threads = [threading.Thread(target=self._repeat, args=[work]) for work in works]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _repeat(self, work: Callable[[requests.Session], None]) -> None:
        with requests.Session() as session:
            # A client may sign in thirty times a minute.
            while not self._stop.wait(2.5 if work == self._sign_in else 0.2):
                work(session)

    def _ask(
        self, session: requests.Session, kind: str, method: str, url: str, **more: Any
    ) -> None:
        note, began = more.pop("note", ""), time.monotonic()
        try:
            response = session.request(method, url, timeout=60, **more)
        except requests.RequestException as error:
            failed = Answer(kind, began, time.monotonic() - began, 0, body=repr(error), note=note)
            self.answers.append(failed)
            return
        seconds, after = time.monotonic() - began, response.headers.get("Retry-After", "")
        body = response.json() if "json" in response.headers.get("Content-Type", "") else None
        self.answers.append(Answer(kind, began, seconds, response.status_code, after, body, note))

    def _sign_in(self, session: requests.Session) -> None:
        self._ask(session, "sign-in", "POST", self._url("/auth/signin"), json=self._person)

    def _list(self, session: requests.Session) -> None:
        self._ask(session, "list", "GET", self._url("/api/user/images/"), headers=self._headers)

    def _page(self, session: requests.Session) -> None:
        self._ask(session, "page", "GET", self._url("/robots.txt"))

    def _health(self, session: requests.Session) -> None:
        self._ask(session, "healthz", "GET", f"{self.deployment.health_url}/healthz")

    def _ready(self, session: requests.Session) -> None:
        self._ask(session, "readyz", "GET", f"{self.deployment.health_url}/readyz?for=web")

    def _upload(self, session: requests.Session) -> None:
        number = next(self._numbers)
        picture, key = make_distinct(self._picture, number), f"picture-{number}"
        headers = self._headers | {"Idempotency-Key": key}
        options = ROUTE.options_for(picture)
        self._ask(
            session, "upload", "POST", self._url(ROUTE.path), headers=headers, note=key, **options
        )

    def _url(self, path: str) -> str:
        return self.deployment.url + path

    def of(self, kind: str, since: float, until: float = float("inf")) -> list[Answer]:
        found = list(self.answers)
        return [each for each in found if each.kind == kind and since <= each.began < until]


def slowest(answers: list[Answer]) -> float:
    return max((each.seconds for each in answers), default=0.0)


def describe(mix: Mix, since: float, until: float) -> str:
    lines = []
    for kind in ("healthz", "readyz", "page", "sign-in", "list", "upload"):
        found = mix.of(kind, since, until)
        statuses = {
            status: sum(e.status == status for e in found) for status in {e.status for e in found}
        }
        later = [each for each in found if each.began > since + 5]
        lines.append(
            f"{kind}: {len(found)} {statuses}, slowest {slowest(found):.2f} s, "
            f"from 5 s on {slowest(later):.2f} s"
        )
    return "; ".join(lines)


@dataclass
class Silence:
    """How a part becomes silent and comes back, what needs it, and what `/readyz` calls it."""

    stop: Callable[[Mode], None]
    resume: Callable[[], None]
    needed_by: set[str]
    name: str
    promised: float = PROMISED


def run_story(
    deployment: Deployment, silence: Silence, modes: tuple[Mode, ...], report: Callable[[str], None]
) -> None:
    with Mix(deployment) as mix:
        until(lambda: len(mix.of("upload", 0)) >= UPLOADS_AT_ONCE, "uploads")
        for mode in modes:
            began = time.monotonic()
            silence.stop(mode)
            time.sleep(AWAY_SECONDS)
            ending = time.monotonic()
            silence.resume()
            resumed = time.monotonic()
            until(partial(is_well, mix, resumed), "all is well again", 30)
            recovered = time.monotonic() - resumed
            figures = describe(mix, began, resumed)
            report(f"{silence.name} {mode}: {figures}; recovered within {recovered:.1f} s")
            check_answers(mix, silence, began, ending)
            assert recovered < PROMISED + SLACK, (mode, recovered)
    assert_refused_uploads_are_not_stored(deployment, mix)


def is_well(mix: Mix, since: float) -> bool:
    kinds = ("sign-in", "list", "upload")
    last = [([e.status for e in mix.of(kind, since)] or [0])[-1] for kind in kinds]
    ready = mix.of("readyz", since)
    return all(200 <= each < 300 for each in last) and bool(ready) and ready[-1].status == 200


def check_answers(mix: Mix, silence: Silence, began: float, ending: float) -> None:
    assert slowest(mix.of("healthz", began, ending)) < 0.1 + SLACK
    ready = mix.of("readyz", began + 3, ending)
    assert slowest(ready) < 3 + SLACK
    # One that ends later may find the part again.
    ready = [each for each in ready if each.began + each.seconds < ending]
    assert ready
    unnamed = [each for each in ready if silence.name not in each.body["missing"]]
    assert not unnamed, (len(ready), unnamed[:3])
    for kind in ("page", "sign-in", "list", "upload"):
        found = mix.of(kind, began, ending)
        bound = silence.promised if kind in silence.needed_by else PROMISED
        assert slowest(found) < bound + SLACK, (kind, slowest(found))
        refused = [each for each in found if not 200 <= each.status < 300]
        assert all(each.status == 503 and each.retry_after for each in refused), refused
        if kind in silence.needed_by:
            assert refused, kind
        else:
            assert not refused, (kind, refused)


def assert_refused_uploads_are_not_stored(deployment: Deployment, mix: Mix) -> None:
    url = deployment.variables["DATABASE_URL_DIRECT"]
    with closing(Tables(url)) as tables:
        keys = tables.rows("SELECT key FROM images_idempotencykey WHERE picture_id IS NOT NULL")
        pictures = tables.rows("SELECT count(*) FROM images_picture")[0]["count"]
    stored = {row["key"] for row in keys}
    accepted = {each.note for each in mix.of("upload", 0) if each.status == 201}
    assert accepted <= stored
    assert pictures == len(stored)


@contextmanager
def stopped(pids: list[int]) -> Iterator[None]:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    yield
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


def through(gate: Gate, url: str) -> str:
    """The same server, through the gate."""
    head, _, rest = url.rpartition("@")
    path = rest.partition("/")[2] if "/" in rest else ""
    return f"{head}@127.0.0.1:{gate.port}/{path}"


def silence_by(gate: Gate, needed_by: set[str], name: str, promised: float = PROMISED) -> Silence:
    return Silence(gate.set_mode, gate.open, needed_by, name, promised)


def test_a_silent_database(
    deploy: Callable[..., Deployment], tables: Tables, database: Postgres, name: str,
    report_figures: Callable[[str], None],
) -> None:  # fmt: skip
    [socket] = Path(database.folder).glob(".s.PGSQL.*[0-9]")
    gate = Gate(socket)
    url = f"postgres://postgres@127.0.0.1:{gate.port}/{name}"
    deployment = deploy(
        DATABASE_URL=url,
        DATABASE_POOL="on",
        STATEMENT_SECONDS="8",
        DATABASE_URL_DIRECT=tables.url,
        **MANY_UPLOADS,
    )
    needed_by = {"sign-in", "list", "upload"}
    silence = silence_by(gate, needed_by, "database", PROMISED_BY_DATABASE)
    run_story(deployment, silence, MODES, report_figures)


def test_a_silent_redis(
    deploy: Callable[..., Deployment], tables: Tables, redis: Redis, reaper: Any,
    report_figures: Callable[[str], None],
) -> None:  # fmt: skip
    gate = Gate(Path(urlsplit(redis.url).path))
    url = f"redis://127.0.0.1:{gate.port}/0"
    deployment = deploy(REDIS_URL=url, DATABASE_URL_DIRECT=tables.url, **MANY_UPLOADS)
    run_story(deployment, silence_by(gate, set(), "cache"), MODES, report_figures)


def test_a_silent_broker(
    deploy: Callable[..., Deployment], tables: Tables, broker: Broker,
    report_figures: Callable[[str], None],
) -> None:  # fmt: skip
    gate = Gate(int(broker.url.rsplit(":", 1)[1].partition("/")[0]))
    url = through(gate, broker.url)
    deployment = deploy(AMQP_URL=url, DATABASE_URL_DIRECT=tables.url, **MANY_UPLOADS)
    run_story(deployment, silence_by(gate, set(), "broker"), MODES, report_figures)


@pytest.mark.s3
def test_a_silent_storage(
    deploy: Callable[..., Deployment], tables: Tables, s3_server: s3.S3, name: str,
    report_figures: Callable[[str], None],
) -> None:  # fmt: skip
    bucket = s3_server.make_bucket(name.replace("_", "-"))
    gate = Gate(int(s3_server.endpoint_url.rsplit(":", 1)[1]))
    place = f"s3://{bucket}/images?endpoint_url=http://127.0.0.1:{gate.port}&region={REGION}"
    keys = {
        "AWS_ACCESS_KEY_ID": s3_server.access_key,
        "AWS_SECRET_ACCESS_KEY": s3_server.secret_key,
    }
    deployment = deploy(STORAGE_URL=place, DATABASE_URL_DIRECT=tables.url, **MANY_UPLOADS, **keys)
    run_story(deployment, silence_by(gate, {"upload"}, "storage"), MODES, report_figures)
