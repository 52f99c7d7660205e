"""What granian leaves to the application: a body that nobody has read."""

import io
from typing import Any

import pytest
from django.test import RequestFactory

from config import unread_bodies
from config.unread_bodies import discard_rest
from config.wsgi import application

BODY = b"x" * 200_000


def granian_environ(body: io.BytesIO, path: str = "/auth/signin", **changes: Any) -> dict[str, Any]:
    """Return the environ of a POST as granian hands it over."""
    environ = RequestFactory().post(path, BODY, content_type="text/plain").environ
    return {**environ, "wsgi.input": body, "wsgi.input_terminated": True, **changes}


def respond(environ: dict[str, Any]) -> int:
    statuses: list[str] = []
    list(application(environ, lambda status, _: statuses.append(status)))
    return int(statuses[0].split()[0])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("status", "changes"),
    [
        (413, {}),
        (404, {"PATH_INFO": "/auth/nowhere"}),
        (413, {"PATH_INFO": "/admin/login/"}),
        (400, {"HTTP_HOST": "elsewhere.example"}),
        (204, {"REQUEST_METHOD": "OPTIONS", "HTTP_ORIGIN": "https://a.example",
               "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "POST"}),
    ],
)  # fmt: skip
def test_whoever_responds_the_body_is_read_to_its_end(status: int, changes: dict[str, str]) -> None:
    body = io.BytesIO(BODY)
    assert respond(granian_environ(body, **changes)) == status
    assert body.read() == b""


def test_a_client_that_was_not_told_to_send_is_not_waited_for() -> None:
    body = io.BytesIO(BODY)
    discard_rest(granian_environ(body, HTTP_EXPECT="100-continue"))
    assert body.tell() == 0


def test_what_is_dropped_is_bounded_in_bytes_and_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unread_bodies, "_MAX_DISCARDED", 100_000)
    body = io.BytesIO(BODY)
    discard_rest(granian_environ(body))
    assert 100_000 <= body.tell() < 200_000
    monkeypatch.setattr(unread_bodies, "_MAX_SECONDS", 0)
    late = io.BytesIO(BODY)
    discard_rest(granian_environ(late))
    assert late.tell() == 0
