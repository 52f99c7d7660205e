"""ThumbHash and dominant colour: right, and there for every picture sooner or later."""

import re
from base64 import b64decode

import pytest
from django.core.management import call_command

from images import storage
from images.models import Picture
from tests.factories import make_picture
from tests.pictures import jpeg
from tests.thumbnails.rows import keys
from thumbnails.services import ensure_thumbnails

pytestmark = pytest.mark.django_db


@pytest.fixture
def picture(alice):
    return make_picture(alice, jpeg(900, 600))


def test_a_picture_gets_its_impression_with_its_thumbnails(picture):
    assert (picture.thumbhash, picture.dominant_color) == ("", "")
    ensure_thumbnails(picture.pk)
    picture.refresh_from_db()
    assert len(b64decode(picture.thumbhash)) >= 5
    assert re.fullmatch("#[0-9a-f]{6}", picture.dominant_color)


def test_a_picture_of_an_older_release_gets_all_that_is_new(
    picture, stored_files, django_capture_on_commit_callbacks
):
    ensure_thumbnails(picture.pk)
    storage.delete_all(list(picture.thumbnails.values_list("webp_key", flat=True)))
    picture.thumbnails.update(webp_key="", webp_bytes=0, quality=0)
    Picture.objects.update(thumbhash="", dominant_color="")
    with django_capture_on_commit_callbacks(execute=True):
        call_command("ensure_thumbnails")
    picture.refresh_from_db()
    assert picture.thumbhash
    assert picture.dominant_color
    assert all(row.webp_key for row in picture.thumbnails.all())
    assert set(stored_files()) == {picture.key, *keys(picture)}


def test_the_command_goes_on_where_it_was_interrupted_and_leaves_the_rest_alone(
    alice, monkeypatch, capsys
):
    monkeypatch.setattr("thumbnails.sweeping.AT_ONCE", 2)
    made = [make_picture(alice).pk for _ in range(6)]
    Picture.objects.update(rendering="ready")
    Picture.objects.filter(pk=made[0]).update(thumbhash="AAAAAAA=")
    Picture.objects.filter(pk=made[1]).update(rendering="failed")
    call_command("ensure_thumbnails")
    pending = Picture.objects.pending().order_by("pk").values_list("pk", flat=True)
    assert list(pending) == made[2:]
    assert "4 pictures" in capsys.readouterr().out
    call_command("ensure_thumbnails")
    assert "0 pictures" in capsys.readouterr().out
