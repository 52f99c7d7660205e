"""A bucket that is gone: the service waits for it, and takes no file for missing."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pytest_django import Settings

from accounts.models import User
from images.exceptions import StorageAway
from images.storage.base import picture_storage
from images.storage.urls import describe_storage
from tests.clients import Client
from tests.factories import make_picture
from tests.images.storage.away import assert_no_attempt_is_counted, assert_put_off
from tests.storages import Bucket

pytestmark = [pytest.mark.django_db, pytest.mark.s3]


class NoSuchBucket(BaseHTTPRequestHandler):
    """Answers as Amazon does for a bucket that is gone; the test server makes one on PUT."""

    BODY = b"<Error><Code>NoSuchBucket</Code><Message>It does not exist.</Message></Error>"

    def answer(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        body = b"" if self.command == "HEAD" else self.BODY
        self.send_response(404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_HEAD = do_PUT = do_DELETE = answer  # noqa: N815 (the base class's names)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def lose_bucket(bucket: Bucket, settings: Settings) -> Iterator[Callable[[], None]]:
    """Return a function after which the storage's server knows no such bucket."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), NoSuchBucket)
    threading.Thread(target=server.serve_forever, args=[0.05]).start()
    gone = describe_storage(
        f"s3://pics?endpoint_url=http://127.0.0.1:{server.server_port}", bucket.keys
    )

    def lose() -> None:
        settings.STORAGES = {**settings.STORAGES, "default": gone}

    yield lose
    server.shutdown()
    server.server_close()


@pytest.mark.unhurried
def test_without_its_bucket_the_service_is_away_and_no_file_is_missing(
    alice: User, as_alice: Client, lose_bucket: Callable[[], None]
) -> None:
    picture = make_picture(alice)
    lose_bucket()
    assert_put_off(as_alice, picture)


@pytest.mark.unhurried
def test_without_its_bucket_no_attempt_is_counted(
    alice: User, lose_bucket: Callable[[], None]
) -> None:
    picture = make_picture(alice)
    lose_bucket()
    assert_no_attempt_is_counted(picture)


def test_without_its_bucket_nothing_is_moved_or_removed(
    alice: User, lose_bucket: Callable[[], None]
) -> None:
    key = make_picture(alice).key
    lose_bucket()
    with pytest.raises(StorageAway):
        picture_storage.move(key, f"quarantine/{key}")
    with pytest.raises(StorageAway):
        picture_storage.delete(key)
    with pytest.raises(StorageAway):
        picture_storage.check()
