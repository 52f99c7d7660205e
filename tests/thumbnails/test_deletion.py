"""Many pictures deleted: by few queries, in commits that are short, and again after a crash."""

from pathlib import Path

import pytest
from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import User
from images import ledger
from images.caching import cached
from images.ledger import Usage
from images.models import Link, Picture
from images.removals import RemovedFile
from lib.batches import LOCKED_BATCH_SIZE
from notifications.models import PictureEvent
from tests.clients import Client
from tests.factories import make_picture, make_user
from tests.rows import write_pictures
from thumbnails import deletion
from thumbnails.deletion import (
    delete_all,
    delete_chosen_thumbnails,
    delete_next_pictures,
    delete_pictures,
)
from thumbnails.models import Clearing, Rendition, Thumbnail
from thumbnails.tasks import clear
from upkeep.closed_accounts import close_as_staff, remove_closed_accounts
from upkeep.ledger import compare_ledger

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


def test_all_that_cascades_from_a_picture_is_deleted_with_it() -> None:
    """`_raw_delete` follows no relation: one that is new has to be added there."""
    cascading = {
        each.related_model
        for model in (Picture, Thumbnail, Rendition, Link)
        for each in model._meta.related_objects
    }
    assert cascading == {Thumbnail, Rendition, Link}


def test_a_batch_takes_a_query_for_each_table(
    alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    write_pictures(alice, 200, heights=[200, 400])
    with django_assert_max_num_queries(15):
        assert delete_next_pictures(alice.pk) == 200
    assert RemovedFile.objects.count() == 1400
    assert not Thumbnail.objects.exists()
    assert list(compare_ledger(fix=False)) == []


@pytest.mark.unhurried
def test_ten_thousand_pictures_would_take_300_queries_at_most(
    alice: User,
    django_assert_max_num_queries: DjangoAssertNumQueries,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    """Of two batches, with the removal of their files; what is constant is counted twice too."""
    batches = -(-10_000 // LOCKED_BATCH_SIZE)
    write_pictures(alice, 2 * LOCKED_BATCH_SIZE, heights=[200, 400])
    # So the share is mounted.
    (Path(settings.MEDIA_ROOT) / "users").mkdir(parents=True)
    close_as_staff(alice)
    with (
        django_assert_max_num_queries(40 + 2 * (300 - 40) // batches),
        django_capture_on_commit_callbacks(execute=True),
    ):
        remove_closed_accounts()
    assert not User.objects.filter(pk=alice.pk).exists()


def test_what_dies_between_two_batches_goes_on(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = write_pictures(alice, 5, heights=[200])
    write_pictures(bob, 1, heights=[200])
    monkeypatch.setattr(deletion, "LOCKED_BATCH_SIZE", 2)
    write = ledger._Changes.write

    def die_in_the_second(changes: ledger._Changes) -> None:
        if Picture.objects.owned_by(alice).count() < 3:
            raise DatabaseError("killed")
        write(changes)

    with monkeypatch.context() as patched:
        patched.setattr(ledger._Changes, "write", die_in_the_second)
        with pytest.raises(DatabaseError):
            delete_all(alice.pk)
    assert (
        list(Picture.objects.owned_by(alice).order_by("pk").values_list("pk", flat=True))
        == (made[2:])
    )
    assert list(compare_ledger(fix=False)) == []
    assert delete_all(alice.pk) == 3
    assert delete_all(alice.pk) == 0
    assert Usage.objects.get(owner=alice).stored_bytes == 0
    assert Picture.objects.count() == 1


def test_the_worker_deletes_what_a_request_left_that_died(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = [make_picture(alice) for _ in range(5)]
    kept = [make_picture(bob)]

    def die() -> None:
        raise SystemExit

    monkeypatch.setattr(deletion, "LOCKED_BATCH_SIZE", 2)
    with monkeypatch.context() as patched:
        patched.setattr(deletion, "let_others_write", die)
        with pytest.raises(SystemExit):
            delete_all(alice.pk)
    kept.append(make_picture(alice))
    before = last_sequence(alice)
    clear()  # whoever deletes is not taken for dead yet
    assert Picture.objects.owned_by(alice).count() == 4
    Clearing.objects.update(due_at=timezone.now())
    # A worker that has to end goes on at its next start.
    monkeypatch.setattr(deletion, "TURN_SECONDS", -1.0)
    assert deletion.finish_clearings()
    assert Picture.objects.owned_by(alice).count() == 2
    monkeypatch.undo()
    clear()
    assert set(Picture.objects.all()) == set(kept)
    assert not Clearing.objects.exists()
    assert told_of(alice, before) == [("picture.deleted", each.pk) for each in pictures[2:]]
    assert list(compare_ledger(fix=False)) == []


def test_of_two_workers_one_goes_on_with_a_clearing(alice: User) -> None:
    write_pictures(alice, 2)
    now = timezone.now()
    clearing = Clearing.objects.create(owner_id=alice.pk, last_picture_id=9**9, due_at=now)
    Clearing.objects.update(due_at=now + deletion.LEASE)
    assert not deletion._finish_for_a_turn(clearing)
    assert Picture.objects.owned_by(alice).count() == 2


def test_several_that_died_at_the_same_moment_are_all_finished(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletion, "LOCKED_BATCH_SIZE", 2)
    due_at = timezone.now()
    # So the share is mounted.
    (Path(settings.MEDIA_ROOT) / "users").mkdir(parents=True)
    for owner in (alice, bob):
        last = max(write_pictures(owner, 5))
        Clearing.objects.create(owner_id=owner.pk, last_picture_id=last, due_at=due_at)
    assert not deletion.finish_clearings()
    assert not Picture.objects.exists()
    assert not Clearing.objects.exists()


def test_whoever_goes_on_says_after_each_batch_that_nobody_else_need(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletion, "LOCKED_BATCH_SIZE", 2)
    due_at = timezone.now()
    clearing, other = (
        Clearing.objects.create(owner_id=owner.pk, last_picture_id=9**9, due_at=due_at)
        for owner in (alice, bob)
    )
    write_pictures(alice, 3)
    assert deletion._go_on(clearing) == (2, True)
    assert Clearing.objects.get(pk=clearing.pk).due_at > timezone.now()
    assert deletion._go_on(clearing) == (1, False)
    assert list(Clearing.objects.values_list("pk", "due_at")) == [(other.pk, due_at)]


def test_chosen_thumbnails_go_with_what_was_made_of_them_and_no_others(
    alice: User, bob: User
) -> None:
    for owner in (alice, bob):
        write_pictures(owner, 2, heights=[200, 400])
    for each in Thumbnail.objects.all():
        Rendition.objects.create(
            picture=each.picture, width=90, source_key=each.key, key=f"{each.key}_90.jpg", bytes=1
        )
    chosen = [owner.pictures.latest("pk").thumbnails.get(height=200) for owner in (alice, bob)]
    delete_chosen_thumbnails([each.pk for each in chosen])
    keys = {each.key for each in chosen}
    assert Thumbnail.objects.count() == Rendition.objects.count() == 6
    assert not Thumbnail.objects.filter(key__in=keys).exists()
    assert not Rendition.objects.filter(source_key__in=keys).exists()
    # Three files of each, and its rendition.
    assert RemovedFile.objects.count() == 8


def test_lists_show_at_once_that_chosen_thumbnails_are_gone(
    alice: User,
    bob: User,
    settings: Settings,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    settings.CACHE_SECONDS = 60
    for owner in (alice, bob):
        write_pictures(owner, 1, heights=[200])

    def listed(owner: User) -> int:
        count: int = cached(
            owner.pk, "count", Thumbnail.objects.filter(owner=owner).count, is_valid=lambda _: True
        )
        return count

    assert (listed(alice), listed(bob)) == (1, 1)
    with django_capture_on_commit_callbacks(execute=True):
        delete_chosen_thumbnails(list(Thumbnail.objects.values_list("pk", flat=True)))
    assert (listed(alice), listed(bob)) == (0, 0)


def test_what_is_uploaded_while_all_goes_stays(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pictures(alice, 4)
    monkeypatch.setattr(deletion, "LOCKED_BATCH_SIZE", 2)
    uploaded: list[int] = []

    def upload_once() -> None:
        if not uploaded:
            uploaded.extend(write_pictures(alice, 1))

    monkeypatch.setattr(deletion, "let_others_write", upload_once)
    assert delete_all(alice.pk) == 4
    assert list(Picture.objects.values_list("pk", flat=True)) == uploaded


def test_chosen_pictures_go_by_few_queries(
    alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    made = write_pictures(alice, 100, heights=[200])
    with django_assert_max_num_queries(21):
        receipt = delete_pictures(Picture.objects.owned_by(alice), made)
    assert (len(receipt.deleted), receipt.files, receipt.bytes) == (100, 400, 100 * 1190)
    assert sorted(told_of(alice, 0)) == [("picture.deleted", each) for each in made]


def test_staff_delete_pictures_in_numbers(
    admin_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    carol = make_user("carol")
    chosen = write_pictures(carol, 60, heights=[200])
    form = {"action": "delete_selected", "_selected_action": chosen[:50]}
    page = admin_client.post("/admin/images/picture/", form)
    assert "and 30 more" in page.text
    page = admin_client.post("/admin/images/picture/", form, headers={"Accept-Language": "es"})
    assert "y 30 más" in page.text
    with django_assert_max_num_queries(130):
        admin_client.post("/admin/images/picture/", form | {"post": "yes"})
    assert Picture.objects.count() == 10


def test_staff_close_an_account_and_the_worker_removes_it(
    admin_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    carol = make_user("carol", is_staff=True, email="carol@example.org")
    write_pictures(carol, 300, heights=[200, 400])
    address = f"/admin/accounts/user/{carol.pk}/delete/"
    with django_assert_max_num_queries(30):
        assert "300" in admin_client.get(address).text
    with django_assert_max_num_queries(50):
        assert admin_client.post(address, {"post": "yes"}).status_code == 302
    assert "carol" not in admin_client.get("/admin/accounts/user/").text.split("result_list")[1]
    assert Picture.objects.visible_to(None).count() == 0
    assert make_user("carol").pk != carol.pk
    remove_closed_accounts()
    assert not User.objects.filter(pk=carol.pk).exists()
    assert not Picture.objects.exists()


def told_of(user: User, after: int) -> list[tuple[str, int | None]]:
    events = PictureEvent.objects.filter(owner=user, sequence__gt=after).order_by("sequence")
    return [(each.type, (each.picture or {}).get("id")) for each in events]


def last_sequence(user: User) -> int:
    return PictureEvent.objects.filter(owner=user).latest("sequence").sequence


def test_a_small_account_is_told_once_that_its_pictures_are_gone(alice: User) -> None:
    for _ in range(3):
        make_picture(alice)
    before = last_sequence(alice)
    assert deletion.delete_all(alice.pk) == 3
    assert told_of(alice, before) == [("pictures.cleared", None)]


def test_a_large_account_is_told_again_of_what_went_after_the_clearing(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever looks at the clearing sees the later batches still, and must look again."""
    monkeypatch.setattr(deletion, "LOCKED_BATCH_SIZE", 2)
    pictures = [make_picture(alice) for _ in range(5)]
    kept = make_picture(bob)
    before = last_sequence(alice)
    assert deletion.delete_all(alice.pk) == 5
    cleared, *later = told_of(alice, before)
    assert cleared == ("pictures.cleared", None)
    assert later == [("picture.deleted", each.pk) for each in pictures[2:]]
    assert list(Picture.objects.all()) == [kept]
