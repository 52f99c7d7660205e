"""A small HTTP client, which sees the deployment as a program of its users does."""

import json
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

from urllib3 import encode_multipart_formdata

from config.doctor.checks import CheckFailed

_TIMEOUT = 30


def origin_of(url: str) -> str:
    """Return scheme and host, with the port where the URL names one."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    headers: Message
    body: bytes

    def json(self) -> Any:
        """Return the parsed body; raise ValueError when it is not JSON."""
        return json.loads(self.body)


@dataclass(slots=True)
class HttpClient:
    """Sends requests to `url`, with `authorization` as the header of the same name.

    Each method takes a path or a whole URL, returns error statuses as responses, and raises
    CheckFailed when nothing answers. Other hosts are never sent the authorization.
    """

    url: str
    authorization: str = ""

    def get(self, path: str) -> Response:
        return self._send(Request(self._absolute(path), method="GET"))  # noqa: S310 (see _absolute)

    def delete(self, path: str) -> Response:
        return self._send(Request(self._absolute(path), method="DELETE"))  # noqa: S310

    def post_form(self, path: str, **fields: str) -> Response:
        return self._post(path, urlencode(fields).encode(), "application/x-www-form-urlencoded")

    def post_json(self, path: str, body: Any) -> Response:
        return self._post(path, json.dumps(body).encode(), "application/json")

    def post_file(self, path: str, field: str, content: bytes) -> Response:
        """Send one file as a form (RFC 7578)."""
        fields = {field: ("doctor.png", content, "image/png")}
        return self._post(path, *encode_multipart_formdata(fields))

    def _post(self, path: str, body: bytes, content_type: str) -> Response:
        request = Request(self._absolute(path), data=body, method="POST")  # noqa: S310
        request.add_header("Content-Type", content_type)
        return self._send(request)

    def _absolute(self, path: str) -> str:
        # Only HTTP: the command has checked the scheme of `url`.
        return path if path.startswith(("http://", "https://")) else self.url + path

    def _send(self, request: Request) -> Response:
        if self.authorization and request.full_url.startswith(self.url):
            request.add_unredirected_header("Authorization", self.authorization)
        try:
            with urlopen(request, timeout=_TIMEOUT) as response:  # noqa: S310
                return Response(response.status, response.headers, response.read())
        except HTTPError as error:
            with error:
                return Response(error.code, error.headers, error.read())
        except (URLError, OSError) as error:
            reason = getattr(error, "reason", error)
            raise CheckFailed(
                f"nothing answers at {self.url} ({reason})",
                "set PUBLIC_URL to where browsers find the service, or start it",
            ) from None
