"""Uploads from several threads while something breaks, with the result of each."""

import hashlib
import itertools
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import requests

from tests.faults.contracts import UPLOAD_ROUTES, UploadRoute
from tests.faults.deployment import Deployment, until
from tests.pictures import encode, waves

# Longer than any response may take while a part is away.
TIMEOUT = 30
# Between a thread's uploads: a load that two cores can render meanwhile.
PAUSE = 0.2


@dataclass(frozen=True)
class UploadResult:
    """What came back for one picture; `status` 0 where the connection broke instead."""

    route: UploadRoute
    digest: str
    began: float
    ended: float
    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_stored(self) -> bool:
        return self.status == self.route.stored_status


class Load:
    """Uploads until its block ends; `by_hand` only as many as `send` allows.

    `repeats`: an upload that broke is sent again, with its Idempotency-Key, until it is answered.
    """

    def __init__(
        self, deployment: Deployment, *, threads: int = 2, by_hand: bool = False,
        size: tuple[int, int] = (480, 360), name: str = "alice", repeats: bool = False,
    ) -> None:  # fmt: skip
        self.deployment, self.url = deployment, deployment.url
        self.results: list[UploadResult] = []
        self.count_repeated = 0
        self._repeats = repeats
        self._picture = encode(waves(*size), "JPEG", quality=85)
        self._headers = {"Authorization": f"Bearer {_sign_up(self.url, name)}"}
        self._numbers = itertools.count()
        self.sent = 0
        self._allowed = threading.Semaphore(0) if by_hand else None
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(threads)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Return when every picture has its response."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def send(self, more: int) -> None:
        """Let so many more pictures go out, where that is done by hand."""
        if self._allowed:
            self.sent += more
            self._allowed.release(more)

    def count(self) -> Counter[int]:
        """So many answers by status."""
        return Counter(result.status for result in list(self.results))

    def count_stored(self) -> int:
        return sum(result.is_stored for result in list(self.results))

    def until_stored(self, more: int) -> None:
        """Wait until so many more pictures were stored than at this moment."""
        goal = self.count_stored() + more
        until(lambda: self.count_stored() >= goal, f"{more} more uploads")

    def until_all_answered(self) -> None:
        """Wait until every picture that was let out has its answer."""
        until(lambda: len(self.results) >= self.sent, "every upload is answered")

    def until_refused(self, more: int) -> None:
        """Wait until so many more pictures were refused than at this moment."""
        goal = self.count()[503] + more
        until(lambda: self.count()[503] >= goal, f"{more} more refusals")

    def keep_uploading(self, seconds: float) -> None:
        assert not self._stop.wait(seconds)

    def _wait_for_turn(self) -> bool:
        """Wait for the next picture's turn; False once it is over."""
        while not self._stop.is_set():
            if self._allowed is None or self._allowed.acquire(timeout=0.1):
                return True
        return False

    def _run(self) -> None:
        with requests.Session() as session:
            session.headers.update(self._headers)
            while self._wait_for_turn():
                self.results.append(self._upload_until_answered(session, next(self._numbers)))
                self._stop.wait(PAUSE)

    def _upload_until_answered(self, session: requests.Session, number: int) -> UploadResult:
        result = self._upload(session, number)
        deadline = time.monotonic() + 3 * TIMEOUT
        while self._repeats and result.status in {0, 409} and time.monotonic() < deadline:
            time.sleep(PAUSE)
            self.count_repeated += 1
            result = self._upload(session, number)
        return result

    def _upload(self, session: requests.Session, number: int) -> UploadResult:
        routes = list(UPLOAD_ROUTES.values())
        route, content = routes[number % len(routes)], make_distinct(self._picture, number)
        digest, began = hashlib.sha256(content).hexdigest(), time.monotonic()
        headers = {"Idempotency-Key": f"picture-{number}"} if self._repeats else {}
        try:
            response = session.post(
                self.url + route.path,
                timeout=TIMEOUT,
                headers=headers,
                **route.options_for(content),
            )
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
            return UploadResult(route, digest, began, time.monotonic(), status=0)
        ended = time.monotonic()
        return UploadResult(
            route, digest, began, ended, response.status_code, _json(response), response.headers
        )


def make_distinct(picture: bytes, number: int) -> bytes:
    """The same JPEG with a comment of its own, so that no two files are alike."""
    text = f"picture {number}".encode()
    return picture[:2] + b"\xff\xfe" + (len(text) + 2).to_bytes(2, "big") + text + picture[2:]


def _json(response: requests.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return response.text


def _sign_up(url: str, name: str) -> str:
    person = {"login": name, "password": "correct horse battery", "name": name.title()}
    response = requests.post(f"{url}/auth/signup", json=person, timeout=TIMEOUT)
    assert response.status_code == 200, response.text
    token: str = response.json()["token"]
    return token
