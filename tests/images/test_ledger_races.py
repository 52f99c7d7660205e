"""Everything at once on one account's pictures: no deadlock, and the ledger is true."""

import threading
from collections.abc import Callable

import pytest

from accounts.models import User
from delivery.jpeg_renditions import jpeg_key
from delivery.stripped_copies import stripped_key
from images.ledger import Column, counted_transaction
from images.models import Picture
from images.removals import RemovedFile, remove_waiting_files
from images.services import delete_picture, update_picture
from images.storage.base import picture_storage
from images.usage import usage_of
from tests.factories import make_picture
from tests.parallel import run_in_parallel
from tests.pictures import jpeg
from thumbnails.services import ensure_thumbnails
from thumbnails.usage import count_rows
from upkeep.ledger import recount

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

PHOTO = jpeg(90, 60, comment=b"at home")


@pytest.mark.unhurried
@pytest.mark.parametrize("turn", range(3))
def test_parallel_work_on_one_account_never_deadlocks_and_is_counted_exactly(
    alice: User, turn: int
) -> None:
    pictures = [make_picture(alice, PHOTO) for _ in range(6)]

    def on(work: Callable[[Picture], object], picture: Picture) -> Callable[[], None]:
        def run() -> None:
            try:
                work(Picture.objects.with_owner().get(pk=picture.pk))
            except (Picture.DoesNotExist, FileNotFoundError):
                assert picture in deleted

        return run

    deleted = pictures[turn::3]
    works: list[Callable[[], object]] = [
        *(on(lambda each: ensure_thumbnails(each.pk), each) for each in pictures),
        *(on(stripped_key, each) for each in pictures),
        *(on(lambda each: jpeg_key(alice, each, 40), each) for each in pictures[:3]),
        *(on(delete_picture, each) for each in deleted),
        on(lambda each: update_picture(each, description="new"), pictures[0]),
        lambda: make_picture(alice, PHOTO),
        lambda: [recount(alice.pk, fix=True) for _ in range(5)],
        remove_waiting_files,
    ]
    run_in_parallel(works)
    remove_waiting_files()
    amounts = count_rows([alice.pk])[alice.pk]
    said = usage_of(alice.pk)
    assert said.amounts == {column: amounts[column] for column in Column}
    assert said.pictures == 5
    assert not RemovedFile.objects.exists()
    assert said.stored_bytes == sum(each.bytes for each in picture_storage.walk())


def test_a_picture_does_not_wait_for_the_long_work_on_another_of_the_same_account(
    alice: User,
) -> None:
    """The ledger is written at the end: what is counted early in a transaction locks nothing."""
    slow, quick = make_picture(alice, PHOTO), make_picture(alice, PHOTO)
    for picture in (slow, quick):
        ensure_thumbnails(picture.pk)
    at_work, may_end = threading.Event(), threading.Event()

    def work_slowly() -> None:
        with counted_transaction():
            slow.thumbnails.all().delete()
            at_work.set()
            assert may_end.wait(30)

    def work_meanwhile() -> None:
        assert at_work.wait(30)
        delete_picture(quick)
        make_picture(alice, PHOTO)
        may_end.set()

    run_in_parallel([work_slowly, work_meanwhile])
    assert usage_of(alice.pk).amounts == count_rows([alice.pk])[alice.pk]
    assert usage_of(alice.pk).pictures == 2
