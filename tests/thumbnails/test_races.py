"""Thumbnails of one picture changed by several processes at once, on real connections."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from accounts.models import User
from images.removals import remove_waiting_files
from images.services import lock_picture
from tests.factories import make_picture
from tests.pictures import jpeg
from tests.rows import make_row, make_thumbnail_row
from tests.storages import StoredKeys
from tests.transactions import another_connection_waits
from tests.waiting import until
from thumbnails import smaller_formats
from thumbnails.models import Thumbnail
from thumbnails.services import delete_thumbnail

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


def start(threads: ThreadPoolExecutor, work: Callable[[], object]) -> "Future[object]":
    """Begin work on a connection of its own; return once it is done, or waits for this one."""

    def run() -> object:
        try:
            return work()
        finally:
            connection.close()

    working = threads.submit(run)
    until(lambda: working.done() or another_connection_waits(), 30, lambda: "nobody waits")
    return working


def test_a_thumbnail_deleted_while_it_gets_smaller_formats_leaves_no_file(
    alice: User, stored_keys: StoredKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    deleting: list[Future[object]] = []

    def delete() -> None:
        thumbnail = Thumbnail.objects.get(height=200)
        assert not thumbnail.webp_key
        delete_thumbnail(thumbnail)

    with ThreadPoolExecutor(1) as threads:
        # The last that happens before the commit.
        monkeypatch.setattr(
            smaller_formats, "invalidate", lambda _: deleting.append(start(threads, delete))
        )
        picture = make_picture(alice, jpeg(900, 600))
        deleting[0].result(timeout=30)
    remove_waiting_files()
    left = Thumbnail.objects.get()
    assert (left.height, bool(left.webp_key)) == (400, True)
    assert stored_keys() == sorted([picture.key, *left.keys])


def test_deleting_a_thumbnail_waits_for_no_other_picture(alice: User) -> None:
    picture, other = (make_row(alice) for _ in range(2))
    thumbnail = make_thumbnail_row(picture, 200)
    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            lock_picture(other.pk)
            deleting = start(threads, lambda: delete_thumbnail(thumbnail))
            assert deleting.done()
        deleting.result(timeout=30)
    assert not Thumbnail.objects.exists()
