"""Pictures of one account changed by several processes at once, on real connections."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

import pytest
from django.db import connection, transaction

from accounts.models import User
from accounts.request_origin import RequestOrigin
from accounts.sessions import open_bearer_session
from images import services
from images.default_picture import copy_default
from images.exceptions import PictureIsActive, QuotaExceeded
from images.models import Picture
from images.removals import remove_waiting_files
from images.retries import Retry
from images.services import activate, delete_unless_active
from images.signals import picture_created
from images.storage.keys import original_key
from tests.clients import Client, Response
from tests.factories import make_picture
from tests.parallel import Result, run_in_parallel
from tests.pictures import png
from tests.storages import StoredKeys
from tests.transactions import another_connection_waits
from tests.waiting import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


@pytest.mark.unhurried
def test_fifty_parallel_calls_leave_exactly_one_active(alice: User) -> None:
    pictures = [make_picture(alice) for _ in range(10)]
    headers = {"Authorization": f"Bearer {open_bearer_session(alice, RequestOrigin())}"}

    def call(picture: Picture) -> Callable[[], int]:
        address = f"/pictures/set-active-picture/{picture.pk}/{alice.pk}"
        return lambda: Client(headers=headers).put(address).status_code

    codes = run_in_parallel([call(pictures[number % 10]) for number in range(50)])
    assert codes == [200] * 50
    assert Picture.objects.active().count() == 1


def test_parallel_default_pictures_leave_exactly_one(alice: User, stored_keys: StoredKeys) -> None:
    made = run_in_parallel([lambda: copy_default(owner=alice, visibility="members")] * 12)
    assert len([each for each in made if each]) == Picture.objects.count() == 1
    assert len([name for name in stored_keys() if "_" not in name]) == 1


@pytest.mark.parametrize("number", range(5))
def test_activating_and_deleting_at_once_never_deletes_the_active_picture(
    alice: User, number: int
) -> None:
    picture = make_picture(alice)

    def outcome(work: Callable[[Picture], object]) -> str:
        try:
            work(picture)
        except (PictureIsActive, Picture.DoesNotExist):
            return "refused"
        return "done"

    activated, deleted = run_in_parallel(
        [
            lambda: outcome(lambda _: activate(Picture(pk=picture.pk, owner_id=alice.pk))),
            lambda: outcome(delete_unless_active),
        ]
    )
    assert {activated, deleted} == {"done", "refused"}
    assert Picture.objects.active().count() == (activated == "done")


@pytest.mark.unhurried
def test_uploads_at_once_do_not_pass_the_quota_together(alice: User) -> None:
    alice.tier.max_pictures = 1
    both = threading.Barrier(2)

    def wait_for_the_other(**_: object) -> None:
        with suppress(threading.BrokenBarrierError):
            both.wait(1)

    def upload() -> bool:
        try:
            make_picture(alice)
        except QuotaExceeded:
            return False
        return True

    picture_created.connect(wait_for_the_other)
    try:
        stored = run_in_parallel([upload, upload])
    finally:
        picture_created.disconnect(wait_for_the_other)
    assert sorted(stored) == [False, True]
    assert Picture.objects.count() == 1


@pytest.mark.parametrize("turn", range(3))
def test_an_upload_survives_the_deletion_of_all_pictures_meanwhile(
    alice: User, stored_keys: StoredKeys, turn: int
) -> None:
    """The file is stored before its row, so that the deletion finds a file without a row."""
    empty: Callable[[], object] = partial(services.empty_folder, alice.pk)
    run_in_parallel([empty, lambda: make_picture(alice, png(30, 20)), *[empty] * 3])
    remove_waiting_files()
    originals = [name for name in stored_keys() if "_" not in name]
    assert originals == [Picture.objects.get().key]


def test_an_upload_whose_file_was_removed_before_its_row_is_stored_under_another_name(
    alice: User, stored_keys: StoredKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert, removed = services._insert, list[str]()
    retry = Retry(alice.pk, "images", "k1", "")

    def insert_late(picture: Picture) -> None:
        if not removed:
            removed.append(picture.key)
            assert run_in_parallel([partial(services.empty_folder, alice.pk)]) == [True]
        insert(picture)

    monkeypatch.setattr(services, "_insert", insert_late)
    upload: Callable[[], Picture] = partial(
        make_picture, alice, png(30, 20), retry=retry, name="a.png", description="Mine"
    )
    stored = upload()
    assert stored.key == original_key(alice.pk, stored.uid, "png")
    assert [name for name in stored_keys() if "_" not in name] == [stored.key] != removed
    assert upload() == Picture.objects.get() == stored
    assert (stored.name, stored.description) == ("a.png", "Mine")


# --- A picture that is deleted between look-up and change ---------------------------------------


def while_it_is_deleted(picture: Picture, work: Callable[[], Result]) -> Result:
    """Delete a picture while `work`, which looked it up, waits for it; return its result."""

    def run() -> Result:
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            services.delete_picture(picture)
            working = threads.submit(run)
            until(lambda: working.done() or another_connection_waits(), 30, lambda: "nobody waits")
        return working.result(timeout=30)


def patch(client: Client, picture: Picture) -> Response:
    change, kind = {"description": "x"}, "application/json"
    return client.patch(f"/api/user/images/{picture.pk}/", change, content_type=kind)


def set_active(client: Client, picture: Picture) -> Response:
    return client.put(f"/pictures/set-active-picture/{picture.pk}/{picture.owner_id}")


def get_link(client: Client, picture: Picture) -> Response:
    return client.get(f"/api/user/link/{picture.pk}/?time=300")


def save_in_admin(client: Client, picture: Picture) -> Response:
    fields = {"visibility": "public", "description": "x"}
    return client.post(f"/admin/images/picture/{picture.pk}/change/", fields)


def delete_in_admin(client: Client, picture: Picture) -> Response:
    return client.post(f"/admin/images/picture/{picture.pk}/delete/", {"post": "yes"})


@pytest.mark.parametrize(
    ("call", "body"),
    [
        (patch, {"detail": "Not found."}),
        (get_link, {"detail": "Not found."}),
        (set_active, {"message": "No se encontró la imagen"}),
        (save_in_admin, None),
        (delete_in_admin, None),
    ],
)
def test_a_picture_deleted_meanwhile_is_not_found(
    alice: User,
    staff: User,
    call: Callable[[Client, Picture], Response],
    body: dict[str, str] | None,
) -> None:
    client = Client(
        headers={"Authorization": f"Bearer {open_bearer_session(alice, RequestOrigin())}"}
    )
    if body is None:
        client.force_login(staff)
    client.raise_request_exception = False
    picture = make_picture(alice)
    answer = while_it_is_deleted(picture, lambda: call(client, picture))
    assert answer.status_code == 404
    assert body is None or answer.json() == body
