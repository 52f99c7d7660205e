"""The same keys on S3 as on disk, under the prefix `images/`."""

import uuid

import pytest

from images.defaults import copy_default
from images.models import Picture
from images.services import delete_all
from tests.factories import make_picture
from tests.pictures import png
from tests.thumbnails.rows import keys

pytestmark = [pytest.mark.django_db, pytest.mark.s3]


@pytest.fixture
def bucket(s3_server, settings):
    """The storage is a bucket of its own; returns a function that lists its keys."""
    name = s3_server.make_bucket(f"pictures-{uuid.uuid4().hex[:12]}")
    options = {
        "bucket_name": name,
        "location": "images",
        "endpoint_url": s3_server.endpoint_url,
        "access_key": s3_server.access_key,
        "secret_key": s3_server.secret_key,
        "region_name": "us-east-1",
        "file_overwrite": False,
    }
    s3 = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "default": s3}

    def keys():
        listed = s3_server.client().list_objects_v2(Bucket=name)
        return sorted(each["Key"] for each in listed.get("Contents", []))

    return keys


def test_a_picture_lies_in_its_owners_folder(bucket, alice, as_alice):
    picture = make_picture(alice, png(30, 20))
    assert bucket() == [f"images/users/{alice.pk}/{picture.file_name}"]
    assert as_alice.get(f"/images/{picture.key}").getvalue() == png(30, 20)


def test_a_wished_name_is_taken_once(bucket, alice):
    copy_default(owner=alice, visibility="members", wished_name="ana.png")
    assert bucket() == [f"images/users/{alice.pk}/ana.png"]
    Picture.objects.all().delete()
    again = copy_default(owner=alice, visibility="members", wished_name="ana.png")
    assert again.file_name != "ana.png"


def test_deleting_all_empties_the_folder_and_only_that(
    bucket, alice, bob, s3_server, django_capture_on_commit_callbacks
):
    kept = make_picture(bob)
    with django_capture_on_commit_callbacks(execute=True):
        picture = make_picture(alice, png(900, 600))
    named = {picture.key, kept.key, *keys(picture)}
    assert set(bucket()) == {f"images/{key}" for key in named}
    for _ in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            delete_all(alice.pk)
        assert bucket() == [f"images/{kept.key}"]
