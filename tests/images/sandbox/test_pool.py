"""Decoding happens where it can do no harm: shown from inside, by what an intruder would try."""

import os
from pathlib import Path

import pytest

from images.formats.inspect import RefusedPicture
from images.sandbox.pool import (
    PictureKilledDecoder,
    confined,
    temporary_folder,
    work_folder,
)
from images.storage import base as picture_storage
from tests.factories import make_picture
from tests.images.sandbox import hostile
from tests.pictures import jpeg


def test_no_network():
    assert confined(hostile.open_a_socket) == "PermissionError"


def test_no_other_program():
    assert confined(hostile.run_a_program) == "PermissionError"


def test_no_other_processes_memory():
    assert confined(hostile.read_a_parents_memory) == -1


def test_no_file_outside_the_work_folder(tmp_path):
    (tmp_path / "secret").write_text("hush")
    assert confined(hostile.read, str(tmp_path / "secret")) == "PermissionError"
    assert confined(hostile.read, "/etc/passwd") == "PermissionError"
    assert confined(hostile.write, str(tmp_path / "new")) == "PermissionError"
    assert not (tmp_path / "new").exists()


def test_no_stored_file(alice):
    picture = make_picture(alice, content := jpeg(60, 40))
    with temporary_folder() as folder:
        brought = picture_storage.bring(picture.key, Path(folder))
        assert confined(hostile.write, str(brought)) == "written"
    with picture_storage.open_key(picture.key) as stored:
        assert stored.read() == content


def test_files_inside_the_work_folder():
    inside = work_folder() / "inside"
    assert confined(hostile.write, str(inside)) == "written"
    assert confined(hostile.read, str(inside)) == "was here"
    inside.unlink()


def test_memory_ends_at_a_gigabyte_and_the_process_goes_on():
    assert confined(hostile.take_memory, 100_000_000) == 100_000_000
    with pytest.raises(PictureKilledDecoder, match="too costly"):
        confined(hostile.take_memory, 2_000_000_000)


def test_a_death_is_noticed_and_the_next_picture_finds_another_process():
    with pytest.raises(PictureKilledDecoder):
        confined(hostile.die)
    assert confined(hostile.process) not in {0, os.getpid()}


@pytest.mark.slow
def test_time_ends_after_ten_seconds_of_cpu():
    with pytest.raises(PictureKilledDecoder):
        confined(hostile.use_the_cpu)


@pytest.mark.django_db
def test_a_picture_that_kills_its_decoder_is_refused_and_leaves_nothing(
    alice, monkeypatch, stored_files
):
    monkeypatch.setattr("images.services.inspect", hostile.die_of_a_picture)
    with pytest.raises(RefusedPicture) as refused:
        make_picture(alice, jpeg(30, 20))
    assert refused.value.code == "too_costly"
    assert stored_files() == []
