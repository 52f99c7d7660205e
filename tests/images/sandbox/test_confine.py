"""What sandboxed processes cannot do, tried from the inside as an intruder would."""

from pathlib import Path

import pytest

from accounts.models import User
from images.exceptions import PictureTooCostly
from images.sandbox.pool import run_sandboxed
from images.sandbox.work_dir import temporary_dir, work_dir
from images.storage.base import picture_storage
from tests.factories import make_picture
from tests.images.sandbox import hostile
from tests.pictures import jpeg


def test_sandboxed_work_has_no_network() -> None:
    assert run_sandboxed(hostile.open_a_socket) == "PermissionError"


def test_sandboxed_work_starts_no_program() -> None:
    assert run_sandboxed(hostile.run_a_program) == "PermissionError"


def test_sandboxed_work_reads_no_other_process() -> None:
    assert run_sandboxed(hostile.read_a_parents_memory) == -1


def test_sandboxed_work_sees_no_file_outside_the_work_folder(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush")
    assert run_sandboxed(hostile.read, str(tmp_path / "secret")) == "PermissionError"
    assert run_sandboxed(hostile.read, "/etc/passwd") == "PermissionError"
    assert run_sandboxed(hostile.write, str(tmp_path / "new")) == "PermissionError"
    assert not (tmp_path / "new").exists()


def test_sandboxed_work_cannot_change_a_stored_file(alice: User) -> None:
    picture = make_picture(alice, content := jpeg(60, 40))
    with temporary_dir() as folder:
        brought = picture_storage.copy_to(picture.key, Path(folder))
        assert run_sandboxed(hostile.write, str(brought)) == "written"
    with picture_storage.open(picture.key) as stored:
        assert stored.read() == content


def test_sandboxed_work_reads_and_writes_in_the_work_folder() -> None:
    inside = work_dir() / "inside"
    assert run_sandboxed(hostile.write, str(inside)) == "written"
    assert run_sandboxed(hostile.read, str(inside)) == "was here"
    inside.unlink()


def test_sandboxed_work_has_a_gigabyte_of_memory() -> None:
    assert run_sandboxed(hostile.take_memory, 100_000_000) == 100_000_000
    with pytest.raises(PictureTooCostly, match="too costly"):
        run_sandboxed(hostile.take_memory, 2_000_000_000)


@pytest.mark.slow
def test_sandboxed_work_has_ten_seconds_of_cpu() -> None:
    with pytest.raises(PictureTooCostly):
        run_sandboxed(hostile.use_the_cpu)
