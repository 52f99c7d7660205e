"""What a power cut leaves: each file under its name, in each folder under its own."""

import pytest
from django.core.files.base import ContentFile

from images.disk import DiskStorage
from images.durable import make_folder

KEY = "users/a/picture.png"


@pytest.fixture
def place(tmp_path):
    return DiskStorage(location=tmp_path / "images")


def test_the_first_file_of_an_account_is_kept_with_every_folder_above_it(place, tmp_path, flushed):
    place.save(KEY, ContentFile(b"bytes"))
    draft = flushed.pop(3)
    assert draft.name.startswith(".picture.png.")
    images = tmp_path / "images"
    assert flushed == [tmp_path, images, images / "users", images / "users" / "a"]


def test_the_next_file_costs_two_flushes(place, flushed):
    place.save(KEY, ContentFile(b"bytes"))
    del flushed[:]
    place.save("users/a/another.png", ContentFile(b"bytes"))
    assert len(flushed) == 2


def test_a_moved_file_is_kept_with_every_folder_above_it(place, tmp_path, flushed):
    place.save(KEY, ContentFile(b"bytes"))
    del flushed[:]
    place.move(KEY, f"quarantine/now/{KEY}")
    assert flushed[0] == tmp_path / "images"
    assert flushed[-1] == tmp_path / "images" / "quarantine" / "now" / "users" / "a"
    assert len(flushed) == 5


def test_a_folder_that_is_there_costs_nothing(tmp_path, flushed):
    make_folder(tmp_path)
    assert flushed == []
