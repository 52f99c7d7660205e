"""A real picture's way through the deployment: up, through the worker, out by a link, gone."""

import io
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from PIL import Image
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection, connect

from accounts.models import User
from config.doctor.examination import NotTried, Step, Trouble, awaited
from config.doctor.http_client import Answer, Visitor, origin_of

_ROOT = "/api/user/"
_WORKER = "start `celery -A config worker`, and look into its log"
_NO_PICTURE = "there is no picture to try it with"


def photograph() -> bytes:
    """Draw a picture that is high enough for thumbnails."""
    file = io.BytesIO()
    Image.effect_noise((1200, 900), 60).convert("RGB").save(file, "JPEG", quality=80)
    return file.getvalue()


@dataclass
class Journey:
    """What one step leaves to the next."""

    visitor: Visitor
    user: User
    password: str
    patience: float
    resources: ExitStack
    content: bytes = field(default_factory=photograph)
    socket: ClientConnection | None = None
    picture: dict[str, Any] | None = None
    link_url: str = ""

    def steps(self) -> Iterator[Step]:
        """Yield them in the order in which they need one another."""
        yield Step("sign-in", self.sign_in)
        yield Step("socket", self.open_socket)
        yield Step("upload", self.upload)
        yield Step("worker", self.thumbnails)
        yield Step("events", self.events)
        yield Step("link", self.link)
        yield Step("delete", self.delete)

    def sign_in(self) -> str:
        """Sign in by password; an account of another deployment's database would be refused."""
        answer = self.visitor.post_form(
            f"{_ROOT}token/", username=self.user.username, password=self.password
        )
        if answer.status != 200:
            raise Trouble(
                f"an account made in this database is refused ({answer.status})",
                "PUBLIC_URL leads to another deployment, or DATABASE_URL to another database",
            )
        self.visitor.authorization = f"Token {answer.json()['token']}"
        return "by password"

    def open_socket(self) -> str:
        """Listen for the events of what follows."""
        address = self._signed_in().url.replace("http", "ws", 1) + "/ws/pictures/"
        headers = {"Authorization": self.visitor.authorization}
        try:
            self.socket = self.resources.enter_context(
                connect(address, additional_headers=headers, open_timeout=10)
            )
        except (OSError, InvalidHandshake) as error:
            raise Trouble(
                f"{address} cannot be opened ({error})",
                "start `uvicorn config.asgi:application`, and let the proxy pass WebSockets to it",
            ) from None
        return "open"

    def upload(self) -> str:
        """Send a picture; fetch it again by the address in the answer."""
        answer = self._signed_in().post_file(f"{_ROOT}images/", "image", self.content)
        if answer.status != 201:
            raise Trouble(f"refused with {_said(answer)}", "see the logs of the web process")
        self.picture = answer.json()
        self._must_be_ours(self.picture["image"])
        sent = Visitor(self.visitor.url).get(self.picture["image"])
        if sent.body != self.content:
            raise Trouble(
                f"its address does not give its bytes ({sent.status})",
                "check the storage, and ACCEL_REDIRECT_PREFIX behind nginx",
            )
        return f"{len(self.content):,} bytes, given back whole"

    def thumbnails(self) -> str:
        """Wait for the worker, then fetch a thumbnail."""
        self._uploaded()
        heights = self.user.tier.heights.count()
        late = Trouble(f"no thumbnails within {self.patience:.0f} s", _WORKER)
        made = awaited(lambda: self._made(heights), self.patience, late)
        smallest = min(made, key=lambda each: each["height"])
        sent = Visitor(self.visitor.url).get(smallest["thumbnail"])
        if Image.open(io.BytesIO(sent.body)).height != smallest["height"]:
            raise Trouble("a thumbnail has another height than it says", _WORKER)
        return f"{heights} thumbnails"

    def _made(self, count: int) -> list[dict[str, Any]] | None:
        made: list[dict[str, Any]] = self.visitor.get(f"{_ROOT}thumbnails/").json()
        return made if len(made) == count else None

    def events(self) -> str:
        """Read what the socket told meanwhile."""
        self._uploaded()
        if self.socket is None:
            raise NotTried("there is no socket")
        wanted, told = {"picture.created", "thumbnails.ready"}, set[str]()
        try:
            while not wanted <= told:
                told.add(json.loads(self.socket.recv(timeout=10))["type"])
        except (TimeoutError, ConnectionClosed):
            raise Trouble(
                f"the socket did not tell {', '.join(sorted(wanted - told))}",
                "check REDIS_URL of the socket process and of the worker",
            ) from None
        return "told as they happened"

    def link(self) -> str:
        """Make a link, and open it as a bare browser."""
        picture = self._uploaded()
        if not self.user.tier.grants_links:
            raise NotTried("no tier grants links")
        seconds = self.user.tier.link_min_seconds
        answer = self.visitor.get(f"{_ROOT}link/{picture['id']}/?time={seconds}")
        self.link_url = answer.json()["url"]
        self._must_be_ours(self.link_url)
        opened = Visitor(self.visitor.url).get(self.link_url)
        if opened.status != 200:
            raise Trouble(f"answered with {opened.status}", "see the logs of the web process")
        return "opens in a bare browser"

    def delete(self) -> str:
        """Delete the picture; its link and address lead nowhere."""
        picture = self._uploaded()
        answer = self.visitor.delete(f"{_ROOT}images/{picture['id']}/")
        if answer.status != 204:
            raise Trouble(f"refused with {_said(answer)}", "see the logs of the web process")
        for url in filter(None, (picture["image"], self.link_url)):
            if Visitor(self.visitor.url).get(url).status not in {404, 410}:
                raise Trouble(f"{url} still gives the picture", "clear the caches in front")
        return "picture, files and link are gone"

    def _signed_in(self) -> Visitor:
        if not self.visitor.authorization:
            raise NotTried("nobody is signed in")
        return self.visitor

    def _uploaded(self) -> dict[str, Any]:
        if self.picture is None:
            raise NotTried(_NO_PICTURE)
        return self.picture

    def _must_be_ours(self, url: str) -> None:
        """Answers name the scheme and host that the proxy tells; browsers need the public ones."""
        if origin_of(url) != origin_of(self.visitor.url):
            raise Trouble(
                f"answers name {origin_of(url)} instead of {self.visitor.url}",
                "have the proxy send Host and X-Forwarded-Proto, and set TRUSTED_PROXIES",
            )


def _said(answer: Answer) -> str:
    return f"{answer.status} {answer.body[:120].decode(errors='replace')}"
