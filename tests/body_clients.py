"""Bodies without a length, as clients of today send them, to a running service."""

import json
import re
import socket
import subprocess
from base64 import b64encode
from collections.abc import Callable, Iterator

import requests

from tests.pictures import png
from tests.servers import npm

PICTURE = png(300, 200)
HEAD, TAIL = b'--limit\r\nContent-Disposition: form-data; name="%b"\r\n\r\n', b"\r\n--limit--\r\n"
FORM = {"Content-Type": "multipart/form-data; boundary=limit"}
JSON = {"Content-Type": "application/json"}
TOO_MUCH = 30 * 1024 * 1024


def in_pieces(*pieces: bytes) -> Iterator[bytes]:
    """What `requests` sends in chunks."""
    for piece in pieces:
        for start in range(0, len(piece), 1000):
            yield piece[start : start + 1000]


def endless(size: int) -> Iterator[bytes]:
    yield HEAD % b"image"
    for _ in range(size // 65536):
        yield b"\0" * 65536


def upload_without_a_length(client: requests.Session, url: str) -> None:
    """Store a picture, and be refused, in chunks at each contract; `client` is signed in."""
    data = json.dumps({"data": base64_of(PICTURE), "image": base64_of(PICTURE)}).encode()
    for path, body, headers, status in (
        ("/api/user/images/", (HEAD % b"image", PICTURE, TAIL), FORM, 201),
        ("/pictures/create-picture", (HEAD % b"file", PICTURE, TAIL), FORM, 201),
        ("/api/images", (data,), JSON, 200),
        ("/image", (b"\xef\xbb\xbf", data), JSON, 200),
    ):
        stored = client.post(url + path, data=in_pieces(*body), headers=headers, timeout=60)
        assert stored.status_code == status, (path, stored.text)
        refused = client.post(url + path, data=endless(TOO_MUCH), headers=headers, timeout=60)
        assert refused.status_code == 413, (path, refused.text)
        assert refused.headers["Content-Type"] == "application/json"
    too_long = client.post(url + "/auth/signin", data=endless(100_000), headers=JSON, timeout=60)
    assert (too_long.status_code, list(too_long.json())) == (413, ["error"])


def base64_of(content: bytes) -> str:
    return b64encode(content).decode()


# Node's fetch asks for `duplex` where a body is a stream, which it sends in chunks.
NODE_CLIENT = """
const [url, token, credentials] = process.argv.slice(1);
const encode = text => new TextEncoder().encode(text);
function stream(...pieces) {
  return new ReadableStream({pull(controller) {
    pieces.length ? controller.enqueue(pieces.shift()) : controller.close();
  }});
}
async function send(path, type, ...pieces) {
  const response = await fetch(url + path, {
    method: "POST", duplex: "half", body: stream(...pieces),
    headers: {"Content-Type": type, Authorization: `Bearer ${token}`},
  });
  await response.text();
  return response.status;
}
const form = "multipart/form-data; boundary=limit";
const picture = Buffer.from(process.env.PICTURE, "base64");
const start = encode('--limit\\r\\nContent-Disposition: form-data; name="image"\\r\\n\\r\\n');
const much = Array.from({length: 480}, () => new Uint8Array(65536));
const half = credentials.length / 2;
console.log(JSON.stringify([
  await send("/auth/signin", "application/json",
             encode(credentials.slice(0, half)), encode(credentials.slice(half))),
  await send("/auth/signin", "application/json", ...much),
  await send("/api/user/images", form, start, picture, encode("\\r\\n--limit--\\r\\n")),
  await send("/api/user/images", form, start, ...much),
  await send("/api/images", "application/json", ...much),
]));
"""


def fetch_of_node(url: str, token: str, credentials: dict[str, str]) -> list[int]:
    """Return the statuses that Node's fetch got for streams: signed in, 413, stored, 413, 413."""
    finished = subprocess.run(
        [npm.NODE, "--input-type=module", "-e", NODE_CLIENT, url, token, json.dumps(credentials)],
        env=npm.node_environment() | {"PICTURE": base64_of(PICTURE)},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    statuses: list[int] = json.loads(finished.stdout)
    return statuses


def chunks(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def speak(port: int, *pieces: bytes | Callable[[bytes], bool], shut: bool = False) -> list[int]:
    """Send bytes over a raw socket; return the statuses of the responses, 1xx included.

    A function among the pieces tells of what was received whether to go on. With `shut` nothing
    more is said to come, as when a client dies.
    """
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        for piece in pieces:
            if callable(piece):
                while not piece(received):
                    received += line.recv(65536)
            else:
                line.sendall(piece.replace(b"HOST", b"localhost"))
        if shut:
            line.shutdown(socket.SHUT_WR)
        while more := line.recv(65536):
            received += more
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3})", received)]
