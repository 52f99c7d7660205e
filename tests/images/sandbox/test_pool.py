"""Decoding happens where it can do no harm: shown from inside, by what an intruder would try."""

import os
from pathlib import Path

import pytest

from images.exceptions import PictureTooCostly
from images.formats.limits import RefusedPicture
from images.sandbox.pool import run_sandboxed
from images.sandbox.work_dir import temporary_dir, work_dir
from images.storage.base import picture_storage
from tests.factories import make_picture
from tests.images.sandbox import hostile
from tests.pictures import jpeg


def test_no_network():
    assert run_sandboxed(hostile.open_a_socket) == "PermissionError"


def test_no_other_program():
    assert run_sandboxed(hostile.run_a_program) == "PermissionError"


def test_no_other_processes_memory():
    assert run_sandboxed(hostile.read_a_parents_memory) == -1


def test_no_file_outside_the_work_folder(tmp_path):
    (tmp_path / "secret").write_text("hush")
    assert run_sandboxed(hostile.read, str(tmp_path / "secret")) == "PermissionError"
    assert run_sandboxed(hostile.read, "/etc/passwd") == "PermissionError"
    assert run_sandboxed(hostile.write, str(tmp_path / "new")) == "PermissionError"
    assert not (tmp_path / "new").exists()


def test_no_stored_file(alice):
    picture = make_picture(alice, content := jpeg(60, 40))
    with temporary_dir() as folder:
        brought = picture_storage.copy_to(picture.key, Path(folder))
        assert run_sandboxed(hostile.write, str(brought)) == "written"
    with picture_storage.open(picture.key) as stored:
        assert stored.read() == content


def test_files_inside_the_work_folder():
    inside = work_dir() / "inside"
    assert run_sandboxed(hostile.write, str(inside)) == "written"
    assert run_sandboxed(hostile.read, str(inside)) == "was here"
    inside.unlink()


def test_memory_ends_at_a_gigabyte_and_the_process_goes_on():
    assert run_sandboxed(hostile.take_memory, 100_000_000) == 100_000_000
    with pytest.raises(PictureTooCostly, match="too costly"):
        run_sandboxed(hostile.take_memory, 2_000_000_000)


def test_a_death_is_noticed_and_the_next_picture_finds_another_process():
    with pytest.raises(PictureTooCostly):
        run_sandboxed(hostile.die)
    assert run_sandboxed(hostile.process) not in {0, os.getpid()}


@pytest.mark.slow
def test_time_ends_after_ten_seconds_of_cpu():
    with pytest.raises(PictureTooCostly):
        run_sandboxed(hostile.use_the_cpu)


@pytest.mark.django_db
def test_a_picture_that_kills_its_decoder_is_refused_and_leaves_nothing(
    alice, monkeypatch, stored_files
):
    monkeypatch.setattr("images.services.inspect_picture", hostile.die_of_a_picture)
    with pytest.raises(RefusedPicture) as refused:
        make_picture(alice, jpeg(30, 20))
    assert refused.value.code == "too_costly"
    assert stored_files() == []
