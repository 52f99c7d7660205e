"""Checks that take a real picture through the deployment, from the upload to the deletion."""

import json
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection, connect

from accounts.models import User
from config.doctor.checks import Check, CheckFailed, CheckSkipped, wait_for
from config.doctor.http_client import HttpClient, Response, origin_of
from images.formats.limits import Limits, RefusedPicture
from images.sandbox.work import inspect_picture
from images.sandbox.work_dir import temporary_dir

_ROOT = "/api/user/"
_WORKER_REMEDY = "start `celery -A config worker`, and look into its log"


def draw_noise(width: int = 1200, height: int = 900) -> bytes:
    """Return a grey PNG that is high enough for thumbnails, written without a decoder's library."""
    rows = b"".join(b"\0" + os.urandom(width) for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def measure_height(content: bytes) -> int | None:
    """Return the height of a whole picture in pixels, None for anything else."""
    limits = Limits(max_bytes=len(content), max_pixels=1_000_000_000)
    with temporary_dir() as folder:
        path = Path(folder) / "thumbnail"
        path.write_bytes(content)
        try:
            return inspect_picture(path, limits).height
        except RefusedPicture:
            return None


@dataclass
class SmokeTest:
    """The checks, with what each leaves to the next; `timeout` (seconds) is that of each wait."""

    client: HttpClient
    user: User
    password: str
    timeout: float
    resources: ExitStack
    content: bytes = field(default_factory=draw_noise)
    socket: ClientConnection | None = None
    picture: dict[str, Any] | None = None
    link_url: str = ""

    def checks(self) -> Iterator[Check]:
        """Yield the checks in the order in which they need each other."""
        yield Check("sign-in", self.sign_in)
        yield Check("socket", self.open_socket)
        yield Check("upload", self.upload)
        yield Check("worker", self.fetch_thumbnails)
        yield Check("events", self.receive_events)
        yield Check("link", self.open_link)
        yield Check("delete", self.delete)

    def sign_in(self) -> str:
        response = self.client.post_form(
            f"{_ROOT}token/", username=self.user.username, password=self.password
        )
        if response.status != 200:
            raise CheckFailed(
                f"an account made in this database is refused ({response.status})",
                "PUBLIC_URL leads to another deployment, or DATABASE_URL to another database",
            )
        self.client.authorization = f"Token {response.json()['token']}"
        return "by password"

    def open_socket(self) -> str:
        """Open the WebSocket that receives the events of the following checks."""
        url = self._signed_in_client().url.replace("http", "ws", 1) + "/ws/pictures/"
        headers = {"Authorization": self.client.authorization}
        try:
            self.socket = self.resources.enter_context(
                connect(url, additional_headers=headers, open_timeout=10)
            )
        except (OSError, InvalidHandshake) as error:
            raise CheckFailed(
                f"{url} cannot be opened ({error})",
                "start `uvicorn config.asgi:application`, and let the proxy pass WebSockets to it",
            ) from None
        return "open"

    def upload(self) -> str:
        """Upload the picture, and fetch it again by the URL in the response."""
        response = self._signed_in_client().post_file(f"{_ROOT}images/", "image", self.content)
        if response.status != 201:
            raise CheckFailed(
                f"refused with {_summary(response)}", "see the logs of the web process"
            )
        self.picture = response.json()
        self._require_public_origin(self.picture["image"])
        fetched = HttpClient(self.client.url).get(self.picture["image"])
        if fetched.body != self.content:
            raise CheckFailed(
                f"its URL does not return its bytes ({fetched.status})",
                "check the storage, and ACCEL_REDIRECT_PREFIX behind nginx",
            )
        return f"{len(self.content):,} bytes, returned unchanged"

    def fetch_thumbnails(self) -> str:
        """Wait until the worker has rendered all heights, then fetch the smallest."""
        self._uploaded_picture()
        heights = self.user.tier.heights.count()
        failure = CheckFailed(f"no thumbnails within {self.timeout:.0f} s", _WORKER_REMEDY)
        thumbnails = wait_for(lambda: self._all_thumbnails(heights), self.timeout, failure)
        smallest = min(thumbnails, key=lambda each: each["height"])
        fetched = HttpClient(self.client.url).get(smallest["thumbnail"])
        if measure_height(fetched.body) != smallest["height"]:
            raise CheckFailed("a thumbnail has another height than it says", _WORKER_REMEDY)
        return f"{heights} thumbnails"

    def _all_thumbnails(self, count: int) -> list[dict[str, Any]] | None:
        thumbnails: list[dict[str, Any]] = self.client.get(f"{_ROOT}thumbnails/").json()
        return thumbnails if len(thumbnails) == count else None

    def receive_events(self) -> str:
        """Check that the socket has sent the events of upload and rendering."""
        self._uploaded_picture()
        if self.socket is None:
            raise CheckSkipped("there is no socket")
        expected, received = {"picture.created", "thumbnails.ready"}, set[str]()
        seconds = min(self.timeout, 10)
        try:
            while not expected <= received:
                received.add(json.loads(self.socket.recv(timeout=seconds))["type"])
        except (TimeoutError, ConnectionClosed):
            raise CheckFailed(
                f"the socket did not send {', '.join(sorted(expected - received))}",
                "check REDIS_URL of the socket process and of the worker",
            ) from None
        return "received as they happened"

    def open_link(self) -> str:
        """Make an expiring link, and open it without signing in."""
        picture = self._uploaded_picture()
        if not self.user.tier.grants_links:
            raise CheckSkipped("no tier grants links")
        seconds = self.user.tier.link_min_seconds
        response = self.client.get(f"{_ROOT}link/{picture['id']}/?time={seconds}")
        self.link_url = response.json()["url"]
        self._require_public_origin(self.link_url)
        opened = HttpClient(self.client.url).get(self.link_url)
        if opened.status != 200:
            raise CheckFailed(f"answered with {opened.status}", "see the logs of the web process")
        return "opens without signing in"

    def delete(self) -> str:
        """Delete the picture, and check that its URL and its link no longer return it."""
        picture = self._uploaded_picture()
        response = self.client.delete(f"{_ROOT}images/{picture['id']}/")
        if response.status != 204:
            raise CheckFailed(
                f"refused with {_summary(response)}", "see the logs of the web process"
            )
        for url in filter(None, (picture["image"], self.link_url)):
            if HttpClient(self.client.url).get(url).status not in {404, 410}:
                raise CheckFailed(f"{url} still returns the picture", "clear the caches in front")
        return "picture, files and link are gone"

    def _signed_in_client(self) -> HttpClient:
        if not self.client.authorization:
            raise CheckSkipped("nobody is signed in")
        return self.client

    def _uploaded_picture(self) -> dict[str, Any]:
        if self.picture is None:
            raise CheckSkipped("there is no picture to try it with")
        return self.picture

    def _require_public_origin(self, url: str) -> None:
        # URLs in responses have the scheme and host that the proxy sends; browsers need the public.
        if origin_of(url) != origin_of(self.client.url):
            raise CheckFailed(
                f"responses name {origin_of(url)} instead of {self.client.url}",
                "have the proxy send Host and X-Forwarded-Proto, and set TRUSTED_PROXIES",
            )


def _summary(response: Response) -> str:
    return f"{response.status} {response.body[:120].decode(errors='replace')}"
