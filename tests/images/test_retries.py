"""Uploads that are repeated under a key: stored once, whoever dies, is slow, or comes first."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from images.exceptions import (
    QuotaExceeded,
    UploadedPictureGone,
    UploadKeyReused,
    UploadStillRunning,
)
from images.formats.limits import RefusedPicture
from images.models import IdempotencyKey, IdempotencyKeyQuerySet, Picture
from images.retries import (
    LEASE,
    RETENTION,
    Claim,
    Retry,
    _AnotherStored,
    _claim,
    store_once,
)
from images.services import delete_picture
from images.tasks import purge_idempotency_keys
from lib import batches
from tests.factories import make_picture
from tests.pictures import jpeg, png
from tests.transactions import own_transaction

pytestmark = pytest.mark.django_db


def retry_of(account: User, key: str = "k1", *, route: str = "images", fields: str = "") -> Retry:
    return Retry(account.pk, route, key, fields)


@pytest.fixture
def key(alice: User) -> Retry:
    return retry_of(alice)


def age(**fields: timedelta) -> None:
    """Make every key's times earlier."""
    for row in IdempotencyKey.objects.all():
        IdempotencyKey.objects.filter(pk=row.pk).update(
            **{name: getattr(row, name) - by for name, by in fields.items()}
        )


def begin(retry: Retry) -> None:
    """Claim a key as an upload does whose process then dies."""
    _, is_ours = _claim(retry, retry.fingerprint("0" * 64))
    assert is_ours


def test_a_repeated_upload_is_the_first_ones_picture(alice: User, key: Retry) -> None:
    make_picture(alice)
    first = make_picture(alice, retry=key)
    make_picture(alice)
    assert make_picture(alice, retry=key) == first
    assert Picture.objects.count() == 3


def test_a_key_counts_for_one_account_and_one_route(alice: User, bob: User, key: Retry) -> None:
    keys = [key, retry_of(bob), retry_of(alice, route="pictures"), retry_of(alice, "k2")]
    assert len({make_picture(alice, retry=each).pk for each in keys}) == 4


def test_other_bytes_and_other_fields_are_another_upload(alice: User, key: Retry) -> None:
    make_picture(alice, retry=key)
    with pytest.raises(UploadKeyReused):
        make_picture(alice, png(9, 9), retry=key)
    with pytest.raises(UploadKeyReused):
        make_picture(alice, retry=retry_of(alice, fields="others"))
    assert Picture.objects.count() == 1


def test_a_repeated_upload_needs_no_room(alice: User, key: Retry) -> None:
    alice.tier.max_pictures = 1
    first = make_picture(alice, retry=key)
    with pytest.raises(QuotaExceeded):
        make_picture(alice)
    assert make_picture(alice, retry=key) == first


def test_a_deleted_picture_is_not_stored_again(alice: User, key: Retry) -> None:
    delete_picture(make_picture(alice, retry=key))
    with pytest.raises(UploadedPictureGone):
        make_picture(alice, retry=key)
    assert not Picture.objects.exists()


@pytest.mark.parametrize("refused", [RefusedPicture, QuotaExceeded])
def test_a_refusal_is_not_kept(alice: User, key: Retry, refused: type[Exception]) -> None:
    alice.tier.max_pictures = 0
    with pytest.raises(refused):
        make_picture(alice, b"no picture" if refused is RefusedPicture else None, retry=key)
    assert not IdempotencyKey.objects.exists()
    alice.tier.max_pictures = None
    assert make_picture(alice, retry=key) == Picture.objects.get()


def test_while_the_first_runs_another_is_refused(alice: User, key: Retry) -> None:
    with pytest.raises(UploadStillRunning):
        store_once(key, "ab", lambda claim: make_first_run(key, "ab"))
    with pytest.raises(UploadKeyReused):
        store_once(key, "ab", lambda claim: make_first_run(key, "other bytes"))


def make_first_run(key: Retry, sha256: str) -> Picture:
    """Be the first upload, during which another comes."""
    return store_once(key, sha256, lambda claim: pytest.fail("two ran at once"))


def test_a_key_whose_process_died_is_free_as_soon_as_its_lease_ends(
    alice: User, key: Retry
) -> None:
    begin(key)
    with pytest.raises((UploadStillRunning, UploadKeyReused)):
        make_picture(alice, retry=key)
    age(leased_until=LEASE)
    assert make_picture(alice, retry=key) == make_picture(alice, retry=key)


def take_and_store(alice: User, key: Retry) -> None:
    make_picture(alice, retry=key)


def be_refused(alice: User, key: Retry) -> None:
    with pytest.raises(RefusedPicture):
        make_picture(alice, b"no picture", retry=key)


@pytest.mark.parametrize("is_abandoned", [False, True])
@pytest.mark.parametrize("upload", [take_and_store, be_refused])
def test_what_becomes_of_a_key_leaves_those_beside_it_as_they_were(
    alice: User,
    bob: User,
    key: Retry,
    monkeypatch: pytest.MonkeyPatch,
    upload: Callable[[User, Retry], None],
    is_abandoned: bool,
) -> None:
    """They were begun at the very moment, and differ in one thing each."""
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    for other in (retry_of(bob), retry_of(alice, route="pictures"), retry_of(alice, "k2")):
        begin(other)
    others = IdempotencyKey.objects.exclude(account=alice, route="images", key="k1")
    before = list(others.order_by("pk").values_list())
    if is_abandoned:
        begin(key)
        monkeypatch.setattr(timezone, "now", lambda: now + LEASE)
    upload(alice, key)
    assert list(others.order_by("pk").values_list()) == before
    assert IdempotencyKey.objects.count() == len(before) + Picture.objects.count()


@pytest.mark.parametrize("change", [{"leased_until": timezone.now() + LEASE}, {"picture_id": 5}])
def test_of_several_that_find_a_key_abandoned_one_takes_it(
    alice: User, key: Retry, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    begin(key)
    age(leased_until=LEASE)
    look_up = Retry.row

    def look_up_first(retry: Retry, **fields: object) -> tuple[IdempotencyKey, bool]:
        found = look_up(retry, **fields)
        IdempotencyKey.objects.update(**change)
        return found

    monkeypatch.setattr(Retry, "row", look_up_first)
    with pytest.raises(UploadStillRunning):
        make_picture(alice, retry=key)
    assert IdempotencyKey.objects.filter(**change).exists()
    assert not Picture.objects.exists()


@pytest.mark.parametrize(
    ("failure", "told"), [(OperationalError, QuotaExceeded), (ZeroDivisionError, ZeroDivisionError)]
)
def test_that_a_database_went_away_hides_no_refusal(
    key: Retry,
    monkeypatch: pytest.MonkeyPatch,
    failure: type[Exception],
    told: type[Exception],
) -> None:
    """The key stays leased for a while."""

    def fail(_: object) -> None:
        raise failure

    def be_refused(_: Claim) -> Picture:
        monkeypatch.setattr(IdempotencyKeyQuerySet, "delete", fail)
        raise QuotaExceeded

    with pytest.raises(told):
        store_once(key, "ab", be_refused)
    assert IdempotencyKey.objects.unfulfilled().count() == 1


# --- Slower than the lease ----------------------------------------------------------------------


def upload_slowly(alice: User, key: Retry, meanwhile: Callable[[], object]) -> Picture:
    """Upload the bytes that `make_picture` does; the lease ends, and something else happens."""

    def store(claim: Claim) -> Picture:
        age(leased_until=LEASE)
        meanwhile()
        with own_transaction():
            picture = make_picture(alice)
            claim.fulfil(picture)
            return picture

    return store_once(key, hashlib.sha256(jpeg(60, 40)).hexdigest(), store)


def test_of_two_that_run_at_once_the_first_commit_counts(alice: User, key: Retry) -> None:
    others: list[Picture] = []
    slow = upload_slowly(alice, key, lambda: others.append(make_picture(alice, retry=key)))
    assert [slow] == others == list(Picture.objects.all())


def test_a_slow_upload_is_stored_though_another_runs(alice: User, key: Retry) -> None:
    slow = upload_slowly(alice, key, lambda: begin(key))
    assert make_picture(alice, retry=key) == slow == Picture.objects.get()


def test_a_slow_upload_is_stored_though_another_was_refused(alice: User, key: Retry) -> None:
    def be_refused() -> None:
        with pytest.raises(RefusedPicture):
            make_picture(alice, b"no picture", retry=key)

    slow = upload_slowly(alice, key, be_refused)
    assert make_picture(alice, retry=key) == slow == Picture.objects.get()


def test_a_slow_upload_hears_of_another_that_was_stored(alice: User, key: Retry) -> None:
    with pytest.raises(UploadKeyReused):
        upload_slowly(alice, key, lambda: make_picture(alice, png(9, 9), retry=key))
    assert Picture.objects.get().width == 9


def test_a_slow_upload_may_be_sent_again_where_the_other_is_gone_by_then(key: Retry) -> None:
    def lose_the_key(_: Claim) -> Picture:
        IdempotencyKey.objects.all().delete()
        raise _AnotherStored

    with pytest.raises(UploadStillRunning):
        store_once(key, "ab", lose_the_key)


def test_a_slow_upload_that_is_refused_leaves_the_key_to_whoever_holds_it(
    alice: User, key: Retry
) -> None:
    def be_late() -> None:
        begin(key)
        raise QuotaExceeded

    with pytest.raises(QuotaExceeded):
        upload_slowly(alice, key, be_late)
    assert IdempotencyKey.objects.unfulfilled().count() == 1


# --- For a day ----------------------------------------------------------------------------------


def test_a_key_counts_for_24_hours(alice: User, key: Retry) -> None:
    first = make_picture(alice, retry=key)
    age(begun_at=RETENTION - timedelta(minutes=1))
    assert make_picture(alice, retry=key) == first
    age(begun_at=timedelta(minutes=1))
    second = make_picture(alice, png(9, 9), retry=key)
    assert second != first
    assert make_picture(alice, png(9, 9), retry=key) == second


def test_keys_are_deleted_in_batches_once_they_count_no_more(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH_SIZE", 2)
    now = timezone.now()
    IdempotencyKey.objects.bulk_create(
        IdempotencyKey(
            account=alice, route="images", key=str(minutes), fingerprint="", leased_until=now,
            begun_at=now - RETENTION + timedelta(minutes=minutes),
        )
        for minutes in range(-5, 3)
    )  # fmt: skip
    purge_idempotency_keys()
    assert sorted(IdempotencyKey.objects.values_list("key", flat=True)) == ["1", "2"]


def test_a_key_goes_with_its_account(alice: User, key: Retry) -> None:
    make_picture(alice, retry=key)
    alice.delete()
    assert not IdempotencyKey.objects.exists()


def test_a_key_costs_three_queries_and_a_repeated_upload_two(
    alice: User, key: Retry, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_picture(alice)
    with CaptureQueriesContext(connection) as without:
        make_picture(alice)
    savepoint = 2
    with django_assert_num_queries(len(without) + 3 + savepoint):
        make_picture(alice, retry=key)
    with django_assert_num_queries(2):
        make_picture(alice, retry=key)
