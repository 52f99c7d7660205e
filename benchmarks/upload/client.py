"""Whoever uploads, and hears over the service's own socket when thumbnails are ready."""

import json
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import requests
from urllib3 import encode_multipart_formdata
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from benchmarks.deployment import AS_FROM_NGINX

PASSWORD = "correct horse battery"  # noqa: S105 (of an account that nobody has)
_TIMEOUT = 120


@dataclass(frozen=True)
class Form:
    """An upload's body, written out once."""

    body: bytes
    content_type: str

    @classmethod
    def of(cls, picture: Path) -> Self:
        return cls(*encode_multipart_formdata({"image": (picture.name, picture.read_bytes())}))


@dataclass(frozen=True)
class Upload:
    """When it was sent, answered with 201, and its thumbnails ready (time.monotonic)."""

    sent: float
    answered: float
    ready: float | None = None

    @property
    def until_answer(self) -> float:
        """Seconds until the 201."""
        return self.answered - self.sent

    @property
    def until_ready(self) -> float:
        """Seconds from sending until thumbnails are ready; endless where they never were."""
        return float("inf") if self.ready is None else self.ready - self.sent

    @property
    def ready_after(self) -> float:
        """Seconds from the 201 until thumbnails are ready; endless where they never were."""
        return float("inf") if self.ready is None else max(self.ready - self.answered, 0.0)


class Service(Protocol):
    """Where uploads are taken and sockets opened."""

    port: int
    sockets: str


class Person:
    """An account that is signed in; its socket is open until `close`."""

    def __init__(self, service: Service, name: str) -> None:
        self._url = f"http://127.0.0.1:{service.port}"
        body = {"login": name, "name": name, "password": PASSWORD}
        self._post("/auth/signup", body)
        self.token = str(self._post("/auth/signin", body).json()["token"])
        self._local = threading.local()
        self._ready: dict[int, float] = {}
        self._heard = threading.Condition()
        self._socket = self._listen(service.sockets)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def upload(self, form: Form) -> Upload:
        """Upload and wait until thumbnails are ready."""
        return self.wait(*self.send(form))

    def send(self, form: Form) -> tuple[int, Upload]:
        """Upload; return the picture's id and how long that took. Threads may share a person."""
        session = self._session()
        sent = time.monotonic()
        response = session.post(
            f"{self._url}/api/user/images/",
            data=form.body,
            headers={"Content-Type": form.content_type},
            timeout=_TIMEOUT,
        )
        answered = time.monotonic()
        if response.status_code != 201:
            raise RuntimeError(f"{response.status_code}: {response.text[:300]}")
        return int(response.json()["id"]), Upload(sent, answered)

    def wait(self, picture: int, upload: Upload, seconds: float = _TIMEOUT) -> Upload:
        """Return the upload with the moment at which its thumbnails were ready, if they are."""
        with self._heard:
            self._heard.wait_for(lambda: picture in self._ready, seconds)
            return Upload(upload.sent, upload.answered, self._ready.get(picture))

    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            own = {"Authorization": f"Bearer {self.token}", **AS_FROM_NGINX}
            self._local.session.headers.update(own)
        session: requests.Session = self._local.session
        return session

    def _post(self, path: str, body: dict[str, str]) -> requests.Response:
        response = requests.post(
            self._url + path, json=body, headers=AS_FROM_NGINX, timeout=_TIMEOUT
        )
        response.raise_for_status()
        return response

    def _listen(self, address: str) -> ClientConnection:
        headers = {**AS_FROM_NGINX, "Authorization": f"Bearer {self.token}"}
        del headers["Host"]
        socket = connect(
            f"ws://{address}/ws/pictures/", additional_headers=headers, compression=None
        )
        threading.Thread(target=self._record, args=(socket,), daemon=True).start()
        return socket

    def _record(self, socket: ClientConnection) -> None:
        try:
            for text in socket:
                event = json.loads(text)
                if event["type"].startswith("thumbnails."):
                    with self._heard:
                        ready = event["type"] == "thumbnails.ready"
                        at = time.monotonic() if ready else float("inf")
                        self._ready.setdefault(event["picture"]["id"], at)
                        self._heard.notify_all()
        except ConnectionClosed:
            pass
