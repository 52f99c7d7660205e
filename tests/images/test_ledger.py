"""The ledger says what the rows and the storage say, whoever wrote them and however."""

import uuid
from collections.abc import Callable

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import User
from accounts.services import move_to_tier
from delivery.jpeg_renditions import jpeg_key
from delivery.stripped_copies import stripped_key
from images.default_picture import copy_default
from images.exceptions import NotReady, NotRenderable
from images.ledger import Column, Usage, count_bytes
from images.models import Picture
from images.removals import RemovedFile, count_waiting, remove_waiting_files
from images.services import delete_picture, request_thumbnails
from images.signals import picture_created
from images.storage.base import picture_storage
from images.storage.keys import folder_of
from images.usage import usage_of
from tests.factories import delete_account, make_picture, make_user, tier
from tests.pictures import jpeg
from thumbnails.deletion import delete_all, delete_pictures
from thumbnails.models import Rendition, Thumbnail
from thumbnails.services import delete_thumbnail, ensure_thumbnails
from thumbnails.usage import count_rows
from upkeep.ledger import compare_ledger, count_ledger
from upkeep.referenced_keys import referenced_keys
from upkeep.repair import repair
from upkeep.verifying import Defect, Finding

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

PHOTO = jpeg(90, 60, comment=b"at home")


def said(owner: User) -> dict[str, int]:
    """Return the ledger's own amounts: `usage_of` hides what is below zero."""
    row = Usage.objects.filter(owner=owner).first() or Usage(owner=owner)
    return {str(column): n for column, n in row.amounts.items()}


def counted(owner: User) -> dict[str, int]:
    amounts = count_rows([owner.pk])[owner.pk]
    return {str(column): amounts[column] for column in Column}


# --- Random histories -----------------------------------------------------------------------------


class History:
    """An account to which things happen; `choice` says which of its rows they happen to."""

    def __init__(self) -> None:
        self.owner = make_user(f"u-{uuid.uuid4().hex[:12]}", "Premium")

    def picture(self, choice: int) -> Picture | None:
        pictures = list(Picture.objects.owned_by(self.owner).with_owner().order_by("pk"))
        return pictures[choice % len(pictures)] if pictures else None

    def upload(self, choice: int) -> None:
        make_picture(self.owner, PHOTO)

    def upload_in_vain(self, choice: int) -> None:
        def fail(**_: object) -> None:
            raise ZeroDivisionError

        picture_created.connect(fail)
        try:
            with pytest.raises(ZeroDivisionError):
                make_picture(self.owner, PHOTO)
        finally:
            picture_created.disconnect(fail)

    def default(self, choice: int) -> None:
        copy_default(owner=self.owner, visibility="members", preferred_name="ana.png")

    def render(self, choice: int) -> None:
        if picture := self.picture(choice):
            ensure_thumbnails(picture.pk)

    def render_again(self, choice: int) -> None:
        if picture := self.picture(choice):
            request_thumbnails([picture.pk], replace=True)
            ensure_thumbnails(picture.pk)

    def strip(self, choice: int) -> None:
        if picture := self.picture(choice):
            stripped_key(picture)

    def rendition(self, choice: int) -> None:
        if picture := self.picture(choice):
            try:
                jpeg_key(self.owner, picture, 40)
            except (NotReady, NotRenderable):  # its thumbnails are not there yet, or no longer
                assert not picture.owner.tier.grants_original

    def lose_copy(self, choice: int) -> None:
        if (picture := self.picture(choice)) and picture.has_clean_copy:
            self._lose(picture.clean_key)

    def lose_rendition(self, choice: int) -> None:
        if rendition := Rendition.objects.filter(picture__owner=self.owner).first():
            self._lose(rendition.key)

    def lose_thumbnail(self, choice: int) -> None:
        if thumbnail := Thumbnail.objects.filter(owner=self.owner).first():
            self._lose(thumbnail.key)

    def _lose(self, key: str) -> None:
        picture_storage.delete(key)
        [reference] = [each for each in referenced_keys() if each.key == key]
        repair(Finding(key, Defect.MISSING, reference), "2026-01-01T000000Z")

    def delete(self, choice: int) -> None:
        if picture := self.picture(choice):
            delete_picture(picture)

    def delete_row(self, choice: int) -> None:
        if picture := self.picture(choice):
            picture.delete()

    def delete_some(self, choice: int) -> None:
        Picture.objects.owned_by(self.owner).filter(pk__lte=choice).delete()
        ids = list(Picture.objects.owned_by(self.owner).values_list("pk", flat=True)[:2])
        Picture.objects.filter(pk__in=ids).delete()

    def delete_by_ids(self, choice: int) -> None:
        pictures = Picture.objects.owned_by(self.owner)
        ids = list(pictures.values_list("pk", flat=True)[:choice])
        waiting = count_waiting()
        receipt = delete_pictures(pictures, ids)
        more = count_waiting()
        assert (receipt.files, receipt.bytes) == (
            more.files - waiting.files, more.bytes - waiting.bytes
        )  # fmt: skip

    def delete_all(self, choice: int) -> None:
        delete_all(self.owner.pk)

    def delete_thumbnail(self, choice: int) -> None:
        if thumbnail := Thumbnail.objects.filter(owner=self.owner).last():
            delete_thumbnail(thumbnail)

    def delete_copies(self, choice: int) -> None:
        Thumbnail.objects.filter(owner=self.owner).delete()
        Rendition.objects.filter(picture__owner=self.owner).delete()

    def downgrade(self, choice: int) -> None:
        move_to_tier(self.owner, tier("Basic"))

    def upgrade(self, choice: int) -> None:
        move_to_tier(self.owner, tier("Enterprise"))

    def remove_files(self, choice: int) -> None:
        remove_waiting_files()


STEPS = [name for name in vars(History) if not name.startswith("_") and name != "picture"]
# Uploads and what is made of them twice as often, so that there is something to delete.
OFTEN = ["upload", "render", "strip", "rendition"]
history = st.lists(
    st.tuples(st.sampled_from([*STEPS, *OFTEN]), st.integers(0, 3)), min_size=4, max_size=14
)


AS_THEY_COME = [HealthCheck.function_scoped_fixture]


@pytest.mark.unhurried
@settings(max_examples=8, deadline=None, suppress_health_check=AS_THEY_COME)
@given(steps=history)
def test_after_any_history_the_ledger_is_the_sum_of_the_rows_and_the_files(
    db: None, steps: list[tuple[str, int]]
) -> None:
    check_a_history(steps)


@pytest.mark.nightly
@settings(max_examples=60, deadline=None, suppress_health_check=AS_THEY_COME)
@given(steps=history)
def test_after_many_a_history_too(db: None, steps: list[tuple[str, int]]) -> None:
    check_a_history(steps)


def check_a_history(steps: list[tuple[str, int]]) -> None:
    run = History()
    make_picture(run.owner, PHOTO)
    for name, choice in steps:
        getattr(run, name)(choice)
        assert said(run.owner) == counted(run.owner), name
    there = {each.key: each.bytes for each in picture_storage.walk(folder_of(run.owner.pk))}
    waiting = set(RemovedFile.objects.values_list("key", flat=True))
    assert usage_of(run.owner.pk).stored_bytes == sum(
        size for key, size in there.items() if key not in waiting
    )
    remove_waiting_files()
    assert count_waiting() == (0, 0)
    lying = sum(each.bytes for each in picture_storage.walk(folder_of(run.owner.pk)))
    assert usage_of(run.owner.pk).stored_bytes == lying


# --- Single rules ---------------------------------------------------------------------------------


def test_work_that_runs_on_commit_is_counted_too(
    alice: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        make_picture(alice, PHOTO)
    assert said(alice)["thumbnails_bytes"] == counted(alice)["thumbnails_bytes"] > 0


def test_one_statement_writes_the_ledger_however_many_rows_change(alice: User) -> None:
    for _ in range(3):
        ensure_thumbnails(make_picture(alice, PHOTO).pk)
    with CaptureQueriesContext(connection) as queries:
        Picture.objects.owned_by(alice).delete()
    written = [each["sql"].split(" set ")[0] for each in queries if "images_usage" in each["sql"]]
    assert written == ["update images_usage"]
    assert said(alice) == counted(alice) == dict.fromkeys(map(str, Column), 0)


def test_deleting_an_account_leaves_no_row_of_the_ledger_and_every_file_waiting(
    alice: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    ensure_thumbnails(make_picture(alice, PHOTO).pk)
    lying = {each.key for each in picture_storage.walk(folder_of(alice.pk))}
    with django_capture_on_commit_callbacks() as callbacks:
        delete_account(alice)
    assert not Usage.objects.exists()
    assert set(RemovedFile.objects.values_list("key", flat=True)) == lying
    for each in callbacks:
        each()
    assert not RemovedFile.objects.exists()
    assert not list(picture_storage.walk())


def test_bytes_are_counted_in_a_counted_transaction_alone(alice: User) -> None:
    with pytest.raises(transaction.TransactionManagementError):
        count_bytes(alice.pk, Column.OTHER, 1)


def test_what_an_older_release_wrote_is_found_and_counted_again(alice: User, bob: User) -> None:
    make_picture(alice, PHOTO)
    make_picture(bob, PHOTO)
    Usage.objects.filter(owner=alice).delete()
    Usage.objects.filter(owner=bob).update(originals_bytes=7, thumbnails_bytes=-5)
    wrong = {each.owner_id: each.surplus for each in compare_ledger(fix=False)}
    assert wrong == {
        alice.pk: {Column.PICTURES: -1, Column.ORIGINALS: -len(PHOTO)},
        bob.pk: {Column.ORIGINALS: 7 - len(PHOTO), Column.THUMBNAILS: -5},
    }
    assert len(list(compare_ledger(fix=True))) == 2
    assert list(compare_ledger(fix=False)) == []
    assert (said(alice), said(bob)) == (counted(alice), counted(bob))
    assert count_ledger() == 2 * len(PHOTO)


def test_a_row_of_an_account_that_is_gone_goes_with_the_next_comparison() -> None:
    Usage.objects.create(owner_id=uuid.uuid4(), pictures=1)
    assert list(compare_ledger(fix=True)) == []
    assert not Usage.objects.exists()


def test_a_release_without_the_ledger_can_delete_accounts(alice: User) -> None:
    """Its `DELETE` knows nothing of the ledger's row, which must not hold the account back."""
    Usage.objects.create(owner=alice, pictures=0)
    User.objects.filter(pk=alice.pk)._raw_delete(using="default")
    connection.check_constraints()
    assert Usage.objects.count() == 1


def test_a_copy_just_made_is_uncounted_with_the_very_object_that_made_it(alice: User) -> None:
    picture = make_picture(alice, PHOTO)
    stripped_key(picture)
    picture.delete()
    assert said(alice) == counted(alice) == dict.fromkeys(map(str, Column), 0)


@pytest.mark.parametrize(
    "delete",
    [
        delete_picture,
        lambda each: each.thumbnails.all().delete(),
        lambda each: Picture.objects.filter(pk=each.pk).delete(),
    ],
)
def test_a_rendition_of_a_thumbnail_is_uncounted_once_whatever_it_goes_with(
    delete: Callable[[Picture], object],
) -> None:
    owner = make_user("basic", "Basic")
    picture = make_picture(owner, PHOTO)
    ensure_thumbnails(picture.pk)
    jpeg_key(owner, picture, 40)
    assert said(owner)["other_bytes"] > 0
    delete(picture)
    assert said(owner) == counted(owner)
    waiting = list(RemovedFile.objects.values_list("key", flat=True))
    assert len(waiting) == len(set(waiting))
