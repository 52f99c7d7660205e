"""Pixels are left for one who takes them, for two minutes, within a bound, and never in the way."""

import os
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings
from redis import Redis

from images import pixels
from images.pixels import Shape, leave, remove_expired, taken
from images.sandbox.work_dir import work_dir
from tests.known_picture import pixels_of

SHAPE = Shape(5, 4, 3, made_for=4)
SAMPLES = bytes(range(60))


@pytest.fixture(params=["folder", "redis"], autouse=True)
def place(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> str:
    """Where pixels travel; the folder is the test's own."""
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path / "work")
    settings.WORK_DIR_SHARED = request.param == "folder"
    return str(request.param)


def read(uid: uuid.UUID) -> tuple[Shape, bytes] | None:
    with taken(uid) as found:
        return (found.shape, os.pread(found.file.fileno(), 1000, 0)) if found else None


def names() -> list[str]:
    return sorted(str(each.relative_to(work_dir())) for each in work_dir().rglob("*"))


def test_what_was_left_is_taken_once() -> None:
    uid, other = uuid.uuid4(), uuid.uuid4()
    leave(uid, pixels_of(SHAPE, SAMPLES))
    assert read(other) is None
    assert read(uid) == (SHAPE, SAMPLES)
    assert read(uid) is None
    assert names() in ([], ["pixels"])


@pytest.mark.parametrize(("asked", "expected"), [(3, True), (4, True), (5, False)])
def test_pixels_suffice_for_what_they_were_made_for(asked: int, expected: bool) -> None:
    assert SHAPE.suffices(asked) is expected
    assert Shape(5, 3, 3, made_for=4).suffices(asked)  # the whole picture is there


def test_of_too_many_none_is_left_until_others_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = uuid.uuid4(), uuid.uuid4()
    monkeypatch.setattr(pixels, "MAX_BYTES_IN_ALL", 100)
    leave(first, pixels_of(SHAPE, SAMPLES))
    leave(second, pixels_of(SHAPE, SAMPLES))
    assert read(second) is None
    assert read(first)
    leave(second, pixels_of(SHAPE, SAMPLES))
    assert read(second)


@pytest.mark.unhurried
def test_after_their_time_they_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixels, "KEPT_SECONDS", 1)
    # That of another test waits for longer.
    monkeypatch.setattr(pixels._Folder, "_remover", None)
    uid = uuid.uuid4()
    leave(uid, pixels_of(SHAPE, SAMPLES))
    deadline = time.monotonic() + 10
    while any(name.endswith(str(uid)) for name in names()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(1.1)
    assert read(uid) is None
    leave(uid, pixels_of(SHAPE, SAMPLES))
    assert read(uid)


@pytest.mark.parametrize("cut", [0, 1, 7, 66])
def test_what_is_none_of_ours_is_left_aside(place: str, cut: int, settings: Settings) -> None:
    uid = uuid.uuid4()
    leave(uid, pixels_of(SHAPE, SAMPLES))
    if place == "folder":
        path = work_dir() / "pixels" / str(uid)
        path.write_bytes(path.read_bytes()[cut:] + b"x" * (cut == 0))
    else:
        name = f"{settings.CACHES['default']['KEY_PREFIX']}:pixels:{uid}"
        redis: Any = Redis.from_url(settings.REDIS_URL)
        assert 0 < redis.ttl(name) <= pixels.KEPT_SECONDS
        redis.set(name, redis.get(name)[cut:] + b"x" * (cut == 0))
    assert read(uid) is None


def test_leftovers_of_a_crash_go_whoever_left_them(settings: Settings) -> None:
    settings.WORK_DIR_SHARED = True
    leave(uuid.uuid4(), pixels_of(SHAPE, SAMPLES))
    folder = work_dir() / "pixels"
    for name in (str(uuid.uuid4()), f".{uuid.uuid4()}"):
        (folder / name).write_bytes(b"of a process that was killed")
        past = time.time() - pixels.KEPT_SECONDS - 1
        os.utime(folder / name, (past, past))
    remaining = remove_expired()
    assert remaining is not None
    assert 0 < remaining <= pixels.KEPT_SECONDS
    assert len(list(folder.iterdir())) == 1


def test_one_of_many_takes_them() -> None:
    uid, found = uuid.uuid4(), []
    leave(uid, pixels_of(SHAPE, SAMPLES))
    takers = [threading.Thread(target=lambda: found.append(read(uid))) for _ in range(8)]
    for each in takers:
        each.start()
    for each in takers:
        each.join()
    assert [each for each in found if each] == [(SHAPE, SAMPLES)]


def test_where_nothing_can_be_left_nothing_fails(place: str, settings: Settings) -> None:
    if place == "folder":
        (work_dir() / "pixels").write_bytes(b"no folder")
    else:
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
    uid = uuid.uuid4()
    leave(uid, pixels_of(SHAPE, SAMPLES))
    began = time.monotonic()
    assert read(uid) is None
    # Redis was found away: it is not waited for again.
    assert time.monotonic() - began < 0.5


def test_what_is_shorter_than_it_was_is_not_left(place: str) -> None:
    """Whoever decoded them can shorten them until it has ended."""
    uid, other = uuid.uuid4(), uuid.uuid4()
    leave(uid, pixels_of(SHAPE, SAMPLES[:-1]))
    assert read(uid) is None
    assert names() in ([], ["pixels"])
    leave(other, pixels_of(SHAPE, SAMPLES))
    assert read(other) == (SHAPE, SAMPLES)


def test_many_pixels_travel_as_few() -> None:
    uid, shape = uuid.uuid4(), Shape(500, 400, 3, made_for=400)
    samples = os.urandom(shape.bytes)
    leave(uid, pixels_of(shape, samples))
    with taken(uid) as found:
        assert found
        assert os.pread(found.file.fileno(), 2 * shape.bytes, 0) == samples
