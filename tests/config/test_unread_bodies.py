"""What granian leaves to the application: a body that nobody has read, or that a request keeps."""

import gc
import io
import json
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.signals import request_started
from django.db import close_old_connections
from django.test import RequestFactory

from config import unread_bodies
from config.unread_bodies import discard_rest
from config.wsgi import application
from tests.factories import bearer_client, make_user

BODY = b"x" * 200_000


class Stream(io.BytesIO):
    """As BytesIO, of which there is no weak reference."""


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


@pytest.fixture
def _nothing_is_collected() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def _connections_stay() -> Iterator[None]:
    """Leave the test's transaction open, as Django's test client does."""
    request_started.disconnect(close_old_connections)
    yield
    request_started.connect(close_old_connections)


@pytest.mark.django_db
@pytest.mark.usefixtures("_nothing_is_collected", "_connections_stay")
@pytest.mark.parametrize(
    ("status", "path", "content_type", "body"),
    [
        (400, "/image", "application/json", json.dumps({"image": "A" * 200_001}).encode()),
        (400, "/api/images", "application/json", json.dumps({"data": "A" * 200_001}).encode()),
        (400, "/image", "application/json", b"{"),
        (400, "/image", "application/x-www-form-urlencoded", b"image=" + b"A" * 200_001),
        (415, "/image", "text/plain", BODY),
        (413, "/auth/signin", "application/json", BODY),
        (404, "/auth/nowhere", "text/plain", BODY),
        (403, "/admin/login/", "application/x-www-form-urlencoded", b"username=a&password=b"),
    ],
    ids=["picture", "other picture", "no JSON", "form", "no type", "large", "nowhere", "page"],
)
def test_no_request_keeps_its_body_once_it_is_over(
    status: int, path: str, content_type: str, body: bytes
) -> None:
    stream = Stream(body)
    environ = granian_environ(
        stream,
        path,
        CONTENT_TYPE=content_type,
        CONTENT_LENGTH=str(len(body)),
        **bearer_client(make_user("alice")).defaults,
    )
    left = weakref.ref(stream)
    del stream
    assert respond(environ) == status
    assert left() is None


def test_what_reads_a_body_after_its_request_hears_that_it_is_over() -> None:
    stream = io.BytesIO(b"a\nb")
    with unread_bodies.EndingBody(stream) as body:
        assert [*body] == [b"a\n", b"b"]
    with pytest.raises(ValueError, match="over"):
        body.read()
    assert not stream.closed
