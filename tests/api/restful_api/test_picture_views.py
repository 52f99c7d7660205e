"""Pictures in numbers: deleted, changed, downloaded; and the active one."""

import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import User
from delivery.archive_slots import ArchiveSlot
from delivery.stripped_copies import stripped_key
from images.models import Link, Picture
from images.services import activate
from images.storage.base import picture_storage
from notifications.models import PictureEvent
from tests.clients import Client, Response
from tests.factories import make_picture, make_staff, make_user, token_client
from tests.pictures import jpeg, png
from tests.storages import StoredKeys

pytestmark = pytest.mark.django_db

IMAGES = "/api/user/images/"
COMMENTED = jpeg(900, 600, comment=b"at home")


@pytest.fixture
def rendered(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> Callable[..., Picture]:
    """Return a function that uploads a picture and lets the work behind it happen."""

    def make(owner: User, content: bytes | None = None, **fields: Any) -> Picture:
        with django_capture_on_commit_callbacks(execute=True):
            return make_picture(owner, content or jpeg(900, 600), **fields)

    return make


def post(client: Client, what: str, body: Any) -> Response:
    return client.post(f"{IMAGES}{what}/", body, content_type="application/json")


def events(kind: str) -> list[int]:
    rows = PictureEvent.objects.filter(type=kind).order_by("sequence")
    return [row.picture["id"] for row in rows if row.picture]


# --- Deleting ------------------------------------------------------------------------------------


def test_a_receipt_counts_exactly_what_leaves_the_storage(
    rendered: Callable[..., Picture],
    alice: User,
    as_alice: Client,
    stored_keys: StoredKeys,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    first, second, kept = rendered(alice, COMMENTED), rendered(alice), rendered(alice)
    stripped_key(first)
    Link.objects.create(picture=first, maker=alice, expires_at=timezone.now())
    as_alice.get(f"/image/{second.uid}/jpeg")
    before = {key: picture_storage.size(key) for key in stored_keys()}
    ids = [second.pk, 10**9, first.pk, second.pk]
    with django_capture_on_commit_callbacks(execute=True):
        receipt = post(as_alice, "delete", {"ids": ids}).json()
    gone = set(before) - set(stored_keys())
    assert receipt == {
        "deleted": [second.pk, first.pk],
        "not_found": [10**9],
        "bytes": sum(before[key] for key in gone),
        "files": len(gone),
        "links": 1,
    }
    assert len(gone) > 6
    assert [each.pk for each in Picture.objects.all()] == [kept.pk]
    assert events("picture.deleted") == [first.pk, second.pk]
    again = post(as_alice, "delete", {"ids": ids}).json()
    nothing = {"bytes": 0, "files": 0, "links": 0}
    assert again == {"deleted": [], "not_found": [second.pk, 10**9, first.pk], **nothing}


def test_pictures_of_others_are_not_found_but_for_staff_who_may_delete(
    alice: User, as_bob: Client
) -> None:
    picture = make_picture(alice, visibility="public")
    assert post(as_bob, "delete", {"ids": [picture.pk]}).json()["not_found"] == [picture.pk]
    staff = token_client(make_staff("remover", "images.delete_picture"))
    assert post(staff, "delete", {"ids": [picture.pk]}).json()["deleted"] == [picture.pk]


@pytest.mark.parametrize(
    "body",
    [{}, {"ids": []}, {"ids": "all"}, {"ids": [None]}, {"ids": [-1]}, {"ids": [1] * 1001},
     {"ids": [2**63]}, {"ids": ["1_0"]}, {"ids": ["+1"]}, {"ids": ["\u0661"]}, {"ids": [1.0]}, []],
)  # fmt: skip
@pytest.mark.parametrize("what", ["delete", "change"])
def test_what_names_no_pictures_is_refused(as_alice: Client, what: str, body: Any) -> None:
    assert post(as_alice, what, body).status_code == 400


def test_many_are_deleted_in_few_queries_and_the_list_shows_it(
    alice: User,
    as_alice: Client,
    django_assert_max_num_queries: Callable[..., Any],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    made = Picture.objects.bulk_create(
        Picture(owner=alice, key=f"k{n}", format="PNG", width=1, height=1, bytes=3, sha256="")
        for n in range(250)
    )
    assert len(as_alice.get(IMAGES).json()) == 100
    ids = [each.pk for each in made]
    with (
        django_capture_on_commit_callbacks(execute=True),
        # Three batches.
        django_assert_max_num_queries(3 * 25),
    ):
        receipt = post(as_alice, "delete", {"ids": ids}).json()
    assert (receipt["deleted"], receipt["bytes"], receipt["files"]) == (ids, 750, 250)
    assert as_alice.get(IMAGES).json() == []
    assert events("picture.deleted") == ids


# --- Changing ------------------------------------------------------------------------------------


def test_visibility_is_changed_for_all_at_once(
    alice: User, as_alice: Client, bob: User, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    theirs, so_already = make_picture(bob), make_picture(alice, visibility="public")
    mine = [make_picture(alice).pk for _ in range(5)]
    body = {"ids": [*mine, theirs.pk, so_already.pk], "visibility": "public"}
    with django_assert_max_num_queries(12):
        response = post(as_alice, "change", body)
    assert response.json() == {"changed": [*mine, so_already.pk], "not_found": [theirs.pk]}
    assert Picture.objects.filter(visibility="public").count() == 6
    assert events("picture.updated") == mine
    assert post(as_alice, "change", body).json() == response.json()
    assert events("picture.updated") == mine
    assert post(as_alice, "change", {"ids": mine}).json()["changed"] == mine
    assert post(as_alice, "change", {"ids": mine, "visibility": "x"}).status_code == 400


# --- The archive ---------------------------------------------------------------------------------


def unzip(response: Response) -> dict[str, bytes]:
    assert (response.status_code, response["Content-Type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(response.getvalue())) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def archive(client: Client, **query: Any) -> Response:
    response: Response = client.get(f"{IMAGES}archive/", query)
    return response


def test_an_archive_has_the_originals_under_unique_names(alice: User, as_alice: Client) -> None:
    first = make_picture(alice, COMMENTED, name="hill.jpg")
    second = make_picture(alice, png(3, 3), name="Hill.jpg")
    third = make_picture(alice, png(4, 4))
    everything = {
        "hill.jpg": COMMENTED,
        f"Hill ({second.pk}).jpg": png(3, 3),
        third.file_name: png(4, 4),
    }
    response = archive(as_alice)
    assert response["Content-Disposition"] == 'attachment; filename="pictures.zip"'
    assert unzip(response) == everything
    chosen = unzip(archive(as_alice, ids=f"{third.pk},{first.pk},{third.pk}"))
    assert list(chosen) == [third.file_name, "hill.jpg"]


@pytest.mark.parametrize(
    "ids", ["", "x", "1,", "1 2", "-1", "1" * 20, ",".join(["1"] * 20 + ["x"])]
)
def test_ids_that_are_none_are_refused(as_alice: Client, ids: str) -> None:
    assert archive(as_alice, ids=ids).status_code == 400


def test_an_unknown_id_is_not_found_before_the_first_byte(
    alice: User, as_alice: Client, as_bob: Client
) -> None:
    mine = make_picture(alice, visibility="public")
    assert archive(as_alice, ids=f"{mine.pk},{mine.pk + 1}").status_code == 404
    assert archive(as_bob, ids=mine.pk).status_code == 404
    viewer = token_client(make_staff("viewer", "images.view_picture"))
    assert archive(viewer, ids=mine.pk).status_code == 404
    changer = token_client(make_staff("changer", "images.change_picture"))
    assert unzip(archive(changer, ids=mine.pk)) == {mine.file_name: jpeg(60, 40)}


def test_without_the_grant_of_originals_it_has_the_best_thumbnails(
    rendered: Callable[..., Picture],
) -> None:
    owner = make_user("basic", "Basic")
    picture = rendered(owner, name="hill.png")
    missing = make_picture(owner, name="dale.png")
    found = unzip(archive(token_client(owner)))
    best = picture.thumbnails.get(height=200)
    with picture_storage.open(best.key) as file:
        assert found.pop("hill.jpg") == file.read()
    assert f"{missing.pk}\tdale.png" in found.pop("left-out.txt").decode()
    assert found == {}


def test_a_second_archive_waits_for_the_first(alice: User, as_alice: Client) -> None:
    make_picture(alice)
    slot = ArchiveSlot(alice.pk)
    response = archive(as_alice)
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert response.json() == {"detail": "An archive of this account is being sent."}
    slot.release()
    for _ in range(3):
        assert archive(as_alice).status_code == 200
    assert as_alice.head(f"{IMAGES}archive/").status_code == 200


def test_a_file_that_is_gone_is_named(alice: User, as_alice: Client) -> None:
    kept, gone = make_picture(alice, png(3, 3), name="a.png"), make_picture(alice, name="b.png")
    picture_storage.delete(gone.key)
    found = unzip(archive(as_alice))
    assert found.keys() == {"a.png", "left-out.txt"}
    assert kept.pk != gone.pk


# --- The active picture --------------------------------------------------------------------------


def test_put_makes_a_picture_the_only_active_one(
    alice: User, as_alice: Client, as_bob: Client
) -> None:
    first, second = make_picture(alice), make_picture(alice)
    activate(first)
    address = f"{IMAGES}{second.pk}/active/"
    assert as_bob.put(address).status_code == 404
    for _ in range(2):
        response = as_alice.put(address)
        assert (response.status_code, response.content) == (204, b"")
    assert [each.pk for each in Picture.objects.active()] == [second.pk]
    assert as_alice.put(f"{IMAGES}{second.pk + 1}/active/").status_code == 404
