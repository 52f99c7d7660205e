"""`usage/`: what is stored for an account, by one query, and whether there is room."""

import pytest
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from accounts.models import User
from delivery.jpeg_renditions import jpeg_key
from delivery.stripped_copies import stripped_key
from images.ledger import Usage
from images.storage.base import picture_storage
from images.storage.keys import folder_of
from tests.api.restful_api.test_views import upload
from tests.clients import Client
from tests.factories import make_picture, token_client
from tests.pictures import jpeg, png
from thumbnails.deletion import delete_all

pytestmark = pytest.mark.django_db

USAGE, IMAGES = "/api/user/usage/", "/api/user/images/"
PHOTO = jpeg(900, 600, comment=b"at home")


def test_everything_that_is_stored_counts_and_falls_with_the_rows(
    alice: User,
    bob: User,
    as_alice: Client,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    make_picture(bob)
    with django_capture_on_commit_callbacks(execute=True):
        picture = make_picture(alice, PHOTO)
    picture.refresh_from_db()
    clean = picture_storage.size(stripped_key(picture))
    rendition = picture_storage.size(jpeg_key(alice, picture, 320))
    thumbnails = sum(file.bytes or 0 for each in picture.thumbnails.all() for file in each.files)
    stored = sum(each.bytes for each in picture_storage.walk(folder_of(alice.pk)))
    assert as_alice.get(USAGE).json() == {
        "pictures": 1,
        "originals_bytes": len(PHOTO),
        "thumbnails_bytes": thumbnails,
        "other_bytes": clean + rendition,
        "stored_bytes": stored,
        "max_pictures": alice.tier.max_pictures,
        "max_stored_bytes": alice.tier.max_stored_bytes,
    }
    delete_all(alice.pk)
    body = as_alice.get(USAGE).json()
    assert (body["pictures"], body["stored_bytes"]) == (0, 0)


@pytest.mark.parametrize("count", [0, 1, 5])
def test_it_takes_one_query_beside_that_of_the_token(
    alice: User, as_alice: Client, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(count):
        make_picture(alice)
    with django_assert_num_queries(2):
        assert as_alice.get(USAGE, {"upload": 1}).json()["pictures"] == count


def test_it_tells_beforehand_what_an_upload_will_be_answered(alice: User) -> None:
    Usage.objects.create(owner=alice, pictures=3, originals_bytes=400, thumbnails_bytes=500)
    content = png(30, 20)
    for room, accepted in ((len(content), True), (len(content) - 1, False)):
        alice.tier.max_stored_bytes = 900 + room
        alice.tier.save()
        asked = token_client(alice).get(USAGE, {"upload": len(content)}).json()
        assert asked["accepted"] is accepted
    assert upload(token_client(alice)).status_code == 403
    alice.tier.max_stored_bytes = 900 + len(content)
    alice.tier.save()
    assert upload(token_client(alice)).status_code == 201


def test_the_number_of_pictures_and_the_largest_upload_count_too(alice: User) -> None:
    Usage.objects.create(owner=alice, pictures=3)
    largest = alice.tier.max_upload_bytes

    def accepted(size: int) -> bool:
        found: bool = token_client(alice).get(USAGE, {"upload": size}).json()["accepted"]
        return found

    assert (accepted(largest), accepted(largest + 1)) == (True, False)
    alice.tier.max_pictures = 3
    alice.tier.save()
    assert not accepted(1)


def test_over_the_limit_uploads_are_refused_and_nothing_else(
    alice: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    alice.tier.max_stored_bytes = len(PHOTO)
    alice.tier.save()
    with django_capture_on_commit_callbacks(execute=True):
        picture = make_picture(alice, PHOTO)
    assert picture.thumbnails.count() == 2
    picture.refresh_from_db()
    assert stripped_key(picture) != picture.key
    body = token_client(alice).get(USAGE).json()
    assert body["stored_bytes"] > body["max_stored_bytes"] == len(PHOTO)


@pytest.mark.parametrize("size", ["0", "-1", "x", "1.5", ""])
def test_a_size_is_a_whole_positive_number(as_alice: Client, size: str) -> None:
    response = as_alice.get(USAGE, {"upload": size})
    assert (response.status_code, list(response.json())) == (400, ["upload"])
