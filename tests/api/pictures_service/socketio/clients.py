"""Clients of `/socket.io/`: npm's own under Node.js, and a bare one for what no client does."""

import base64
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import pytest
import requests

from tests.notifications.sockets.clients import SocketServer
from tests.notifications.test_asyncapi import check
from tests.pictures import encode, waves
from tests.servers import npm

SCRIPT = Path(__file__).with_name("client.mjs")
TIMEOUT = 10.0


class NodeClient:
    """A page of the original's: its sockets, and its writes."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._said: dict[str, Queue[tuple[str, Any]]] = {}
        self._lock = threading.Lock()
        threading.Thread(target=self._read, daemon=True).start()

    def open(self, name: str, url: str, **options: Any) -> None:
        self._do("open", name=name, url=url, options=options)

    def write(
        self, name: str, method: str, url: str, token: str = "", *, picture: bytes = b"",
        headers: dict[str, str] | None = None, **fields: str,
    ) -> Any:  # fmt: skip
        """Send a write that names the socket; return the answer's body."""
        encoded = base64.b64encode(picture).decode()
        self._do(
            "write", name=name, method=method, url=url, token=token, picture=encoded,
            headers=headers or {}, fields=fields,
        )  # fmt: skip
        answer = self.next_of(name, "answer")
        assert answer["status"] in {200, 201}, answer
        return answer["body"]

    def emit(self, name: str, event: str, value: Any) -> None:
        self._do("emit", name=name, event=event, value=value)

    def close(self, name: str) -> None:
        self._do("close", name=name)

    def next(self, name: str, timeout: float = TIMEOUT) -> tuple[str, Any]:
        """Return what happens next to a socket, its answers apart."""
        return self._queue(name).get(timeout=timeout)

    def next_of(self, name: str, kind: str) -> Any:
        """Return what happens next of a kind; answers and events have queues of their own."""
        if kind == "answer":
            return self._queue(f"{name}/answer").get(timeout=TIMEOUT)[1]
        what, value = self.next(name)
        assert what == kind, (what, value)
        return value

    def skip_to(self, name: str, kind: str) -> Any:
        """Return what happens next of a kind; pass over what comes before it."""
        while (happened := self.next(name))[0] != kind:
            pass
        return happened[1]

    def pictures(self, name: str) -> list[dict[str, Any]]:
        """Return the pictures of the next `update-pictures`."""
        payload = self.next_of(name, "update-pictures")
        check(payload, "hearOverSocketIo")
        pictures: list[dict[str, Any]] = payload["message"]
        return pictures

    def messages(self, name: str, seconds: float) -> list[list[dict[str, Any]]]:
        """Return the pictures of each message until nothing more comes for so long."""
        messages = []
        with suppress(Empty):
            while (happened := self.next(name, seconds))[0] == "update-pictures":
                messages.append(happened[1]["message"])
        return messages

    def hears_nothing(self, name: str, seconds: float = 0.5) -> bool:
        with pytest.raises(Empty):
            raise AssertionError(self.next(name, seconds))
        return True

    def _do(self, command: str, **given: Any) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"command": command, **given}) + "\n")
        self._process.stdin.flush()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            name, what, value = json.loads(line)
            self._queue(f"{name}/answer" if what == "answer" else name).put((what, value))

    def _queue(self, name: str) -> "Queue[tuple[str, Any]]":
        with self._lock:
            return self._said.setdefault(name, Queue())


@contextmanager
def node_client(
    node_modules: Path, *, host: str = "", certificate: Path | None = None
) -> Iterator[NodeClient]:
    """Start Node.js, for which `host` is this machine and the certificate a good one."""
    trusted = {"NODE_EXTRA_CA_CERTS": str(certificate)} if certificate else {}
    process = subprocess.Popen(
        [npm.NODE, SCRIPT, node_modules, host],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env=npm.node_environment() | trusted,
    )  # fmt: skip
    with process:
        try:
            yield NodeClient(process)
            assert process.stdin
            process.stdin.close()
            process.wait(5)
        finally:
            # Else leaving `with` would wait for it for ever where a test has failed.
            process.kill()


def png() -> bytes:
    return encode(waves(60, 40), "PNG")


TRANSPORTS = [["polling", "websocket"], ["websocket"], ["polling"]]


def check_that_changes_arrive(
    node: NodeClient, name: str, url: str, token: str, transports: list[str], **headers: str
) -> None:
    """Do as the original's client does: connect as nobody, and name the socket in a write."""
    node.open(name, url, transports=transports, extraHeaders=headers)
    node.next_of(name, "connect")
    if len(transports) > 1:
        assert node.next_of(f"{name}/upgrade", "upgrade") == "websocket"
    for _ in range(2):
        created = node.write(
            name, "post", f"{url}/pictures/create-picture", token, picture=png(), headers=headers
        )["picture"]
        assert node.pictures(name)[0]["id"] == created["id"]


class PollingClient:
    """Engine.IO by hand, over HTTP."""

    def __init__(self, server: SocketServer, **headers: str) -> None:
        self.url = f"{server.url}/socket.io/?EIO=4&transport=polling"
        self.session = requests.Session()
        self.session.headers.update(headers)
        self.handshake = self.session.get(self.url, timeout=TIMEOUT)
        if self.handshake.status_code == 200:
            self.url += f"&sid={json.loads(self.handshake.text[1:])['sid']}"

    def connect(self, auth: str = "") -> str:
        """Send `CONNECT`; return the client's `socket.id`."""
        assert self.post(f"40{auth}").status_code == 200
        return str(json.loads(self.poll().text[2:])["sid"])

    def post(self, body: Any) -> requests.Response:
        return self.session.post(self.url, data=body, timeout=TIMEOUT)

    def poll(self, timeout: float = TIMEOUT) -> requests.Response:
        return self.session.get(self.url, timeout=timeout)

    def messages(self, seconds: float) -> list[list[dict[str, Any]]]:
        """Poll for so long; return the pictures of each message."""
        deadline, packets = time.monotonic() + seconds, list[str]()
        with suppress(requests.ReadTimeout):
            while (left := deadline - time.monotonic()) > 0:
                packets += self.poll(left).text.split("\x1e")
        events = [json.loads(each[2:]) for each in packets if each.startswith("42")]
        return [payload["message"] for name, payload in events if name == "update-pictures"]
