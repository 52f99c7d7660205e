"""What pictures take up: what the rows say is what lies there."""

import pytest
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from accounts.models import User
from delivery.jpeg_renditions import jpeg_key
from delivery.stripped_copies import stripped_key
from images.models import Picture
from images.storage.base import picture_storage
from images.storage.keys import folder_of
from tests.factories import make_picture
from tests.pictures import jpeg
from thumbnails.usage import StoredFiles, measure

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


def test_files_and_bytes_of_pictures_are_what_lies_there(
    alice: User,
    bob: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        made = [make_picture(alice, jpeg(900, 600, comment=b"at home")) for _ in range(2)]
        make_picture(bob)
    stripped_key(made[0])
    jpeg_key(alice, made[1], 320)
    lying = [each.bytes for each in picture_storage.walk(folder_of(alice.pk))]
    with django_assert_num_queries(3):
        measured = measure(Picture.objects.owned_by(alice))
    assert measured == StoredFiles(len(lying), sum(lying))
    assert len(lying) == 2 + 2 * 4 + 1 + 1
    assert measure(Picture.objects.none()) == StoredFiles(0, 0)
