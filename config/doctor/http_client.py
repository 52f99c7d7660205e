"""Asks the deployment over HTTP, as a program of its users would."""

import json
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

from urllib3 import encode_multipart_formdata

from config.doctor.examination import Trouble

_SECONDS = 30


def origin_of(url: str) -> str:
    """Return scheme and host, with the port where one is named."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Message
    body: bytes

    def json(self) -> Any:
        """Read the body; raises ValueError."""
        return json.loads(self.body)


@dataclass(slots=True)
class Visitor:
    """Somebody at `url`; `authorization` is the header of the same name."""

    url: str
    authorization: str = ""

    def get(self, path: str) -> Answer:
        """Ask for a path, or for a whole address."""
        return self._send(Request(self._address(path), method="GET"))  # noqa: S310 (see _address)

    def delete(self, path: str) -> Answer:
        """Delete what is there."""
        return self._send(Request(self._address(path), method="DELETE"))  # noqa: S310

    def post_form(self, path: str, **fields: str) -> Answer:
        """Send a form."""
        return self._post(path, urlencode(fields).encode(), "application/x-www-form-urlencoded")

    def post_json(self, path: str, body: Any) -> Answer:
        """Send JSON."""
        return self._post(path, json.dumps(body).encode(), "application/json")

    def post_file(self, path: str, field: str, content: bytes) -> Answer:
        """Send one file (RFC 7578)."""
        fields = {field: ("doctor.jpg", content, "image/jpeg")}
        return self._post(path, *encode_multipart_formdata(fields))

    def _post(self, path: str, body: bytes, content_type: str) -> Answer:
        request = Request(self._address(path), data=body, method="POST")  # noqa: S310
        request.add_header("Content-Type", content_type)
        return self._send(request)

    def _address(self, path: str) -> str:
        """Only HTTP: the command has checked the scheme, and so has the service."""
        return path if path.startswith(("http://", "https://")) else self.url + path

    def _send(self, request: Request) -> Answer:
        """Raises Trouble where nobody answers; a refusal is an answer."""
        if self.authorization and request.full_url.startswith(self.url):
            request.add_unredirected_header("Authorization", self.authorization)
        try:
            with urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
                return Answer(answer.status, answer.headers, answer.read())
        except HTTPError as refusal:
            with refusal:
                return Answer(refusal.code, refusal.headers, refusal.read())
        except (URLError, OSError) as error:
            reason = getattr(error, "reason", error)
            raise Trouble(
                f"nothing answers at {self.url} ({reason})",
                "set PUBLIC_URL to where browsers find the service, or start it",
            ) from None
