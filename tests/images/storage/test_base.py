"""What `PictureStorage` promises, asked of every storage; a new one is added to OPENERS."""

import hashlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.core.files.storage import storages
from django.utils import timezone
from pytest_django import Settings

from images.exceptions import StorageAway
from images.models import Picture
from images.services import delete_picture
from images.storage import base
from images.storage.base import PictureStorage, picture_storage
from images.storage.disk import DiskStorage
from images.storage.keys import folder_of
from tests.factories import make_picture
from tests.images.storage.in_memory import InMemoryStorage
from tests.pictures import jpeg, png
from tests.storages import Bucket
from thumbnails.services import ensure_thumbnails

KEY, OTHER_KEY, DRAFT = "users/a/1.png", "users/b/1.png", "users/a/.1.png.12345678"
Request = pytest.FixtureRequest


def open_s3(request: Request, **options: str) -> Any:
    bucket: Bucket = request.getfixturevalue("spare_bucket")
    described = bucket.describe()
    return storages.create_storage({**described, "OPTIONS": {**described["OPTIONS"], **options}})


def open_disk(request: Request) -> DiskStorage:
    return DiskStorage(request.getfixturevalue("tmp_path") / "disk")


OPENERS: dict[str, Callable[[Request], PictureStorage]] = {
    "disk": open_disk,
    "s3": open_s3,
    "in memory": lambda request: InMemoryStorage(),
}


@pytest.fixture(
    params=[pytest.param(name, marks=[pytest.mark.s3] if name == "s3" else []) for name in OPENERS]
)
def storage(request: Request) -> PictureStorage:
    """Return an empty storage of each kind."""
    return OPENERS[request.param](request)


def read(storage: PictureStorage, key: str) -> bytes:
    with storage.open(key) as file:
        return file.read()


def keys(storage: PictureStorage, folder: str = "") -> list[str]:
    return [each.key for each in storage.walk(folder)]


# --- A missing file, a missing folder -------------------------------------------------------------


def test_a_missing_file_is_said_to_be_missing(storage: PictureStorage, tmp_path: Path) -> None:
    for ask in (storage.open, storage.size, storage.sha256):
        with pytest.raises(FileNotFoundError):
            ask(KEY)
    with pytest.raises(FileNotFoundError):
        storage.copy_to(KEY, tmp_path)
    with pytest.raises(FileNotFoundError):
        storage.move(KEY, OTHER_KEY)
    assert not storage.exists(KEY)
    assert keys(storage) == []


def test_deleting_a_missing_file_or_folder_is_fine(storage: PictureStorage) -> None:
    storage.delete(KEY)
    storage.delete_many([KEY, OTHER_KEY])
    storage.delete_folder("users/a/")


def test_a_missing_folder_is_an_empty_one(storage: PictureStorage) -> None:
    storage.write(KEY, BytesIO(b"bytes"))
    assert keys(storage, "users/b/") == []
    assert list(storage.walk()) != []


def test_an_empty_storage_can_be_written_to(storage: PictureStorage) -> None:
    storage.check()


# --- Writing and reading --------------------------------------------------------------------------


def test_what_was_written_is_read_back_from_any_position(storage: PictureStorage) -> None:
    storage.write(KEY, BytesIO(b"0123456789"))
    assert (storage.exists(KEY), storage.size(KEY)) == (True, 10)
    assert storage.sha256(KEY) == hashlib.sha256(b"0123456789").hexdigest()
    with storage.open(KEY) as file:
        assert file.read(3) == b"012"
        assert file.seek(-2, 2) == 8
        assert file.read() == b"89"
        assert file.seek(4) == 4
        assert file.read(2) == b"45"
        assert file.seek(10**9) == 10**9
        assert file.read() == b""


def test_an_empty_file_is_a_file(storage: PictureStorage) -> None:
    storage.write(KEY, BytesIO())
    assert (storage.exists(KEY), storage.size(KEY), read(storage, KEY)) == (True, 0, b"")


def test_a_source_is_stored_from_its_beginning(storage: PictureStorage) -> None:
    source = BytesIO(b"0123456789")
    source.read(5)
    storage.write(KEY, source)
    assert read(storage, KEY) == b"0123456789"


def test_a_key_that_is_taken_keeps_its_bytes(storage: PictureStorage) -> None:
    storage.write(KEY, BytesIO(b"first"))
    with pytest.raises(FileExistsError):
        storage.write(KEY, BytesIO(b"second"))
    assert read(storage, KEY) == b"first"
    assert keys(storage) == [KEY]


def test_a_source_that_breaks_off_leaves_nothing(storage: PictureStorage) -> None:
    class BrokenFile(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() or size is None or size < 0:
                raise OSError("The source broke off.")
            return super().read(5)

    with pytest.raises((OSError, StorageAway)):
        storage.write(KEY, BrokenFile(b"0123456789"))
    assert not storage.exists(KEY)
    assert keys(storage) == []


def test_a_local_file_is_copied_in_and_out(storage: PictureStorage, tmp_path: Path) -> None:
    source, folder = tmp_path / "source", tmp_path / "folder"
    folder.mkdir()
    source.write_bytes(b"bytes")
    storage.save(KEY, source)
    copy = storage.copy_to(KEY, folder)
    assert (copy, copy.read_bytes()) == (folder / "1.png", b"bytes")
    copy.write_bytes(b"other")
    source.write_bytes(b"others")
    assert read(storage, KEY) == b"bytes"


def test_threads_may_share_a_storage(storage: PictureStorage) -> None:
    def write_and_read(number: int) -> bytes:
        key = f"users/a/{number}.png"
        storage.write(key, BytesIO(str(number).encode()))
        return read(storage, key)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(write_and_read, range(16))) == [str(n).encode() for n in range(16)]
    assert len(keys(storage)) == 16


# --- Listing --------------------------------------------------------------------------------------


def test_files_are_listed_in_the_byte_order_of_their_keys(storage: PictureStorage) -> None:
    # Folders of one length, as accounts have: SeaweedFS, unlike Amazon, puts `a/` before `a-b/`.
    names = ["users/b/2.png", "users/a/1_x.png", "users/a/1.png", "users/a/B.png", DRAFT]
    for key in (*names, "quarantine/x/1.png"):
        storage.write(key, BytesIO(b"four"))
    assert keys(storage, "users/") == sorted(names)
    assert keys(storage) == ["quarantine/x/1.png", *sorted(names)]
    assert keys(storage, "users/a/") == sorted(names)[:-1]
    assert {each.bytes for each in storage.walk()} == {4}
    age = timezone.now() - next(storage.walk()).modified_at
    assert timedelta(minutes=-1) < age < timedelta(minutes=1)


# --- Moving and deleting --------------------------------------------------------------------------


def test_a_moved_file_is_under_its_new_key_alone(storage: PictureStorage) -> None:
    storage.write(KEY, BytesIO(b"bytes"))
    storage.move(KEY, f"quarantine/today/{KEY}")
    assert keys(storage) == [f"quarantine/today/{KEY}"]
    assert read(storage, f"quarantine/today/{KEY}") == b"bytes"


def test_a_deleted_file_is_missing(storage: PictureStorage) -> None:
    for key in (KEY, OTHER_KEY, "users/c/1.png"):
        storage.write(key, BytesIO(b"bytes"))
    storage.delete(KEY)
    storage.delete_many([OTHER_KEY])
    assert keys(storage) == ["users/c/1.png"]


def test_a_folder_is_deleted_with_its_files_and_nothing_else(storage: PictureStorage) -> None:
    for key in (KEY, "users/a/2.png", "users/ab/1.png", OTHER_KEY):
        storage.write(key, BytesIO(b"bytes"))
    storage.delete_folder("users/a/")
    assert keys(storage) == ["users/ab/1.png", OTHER_KEY]


def test_a_draft_goes_with_its_folder_only_when_nobody_can_be_writing_it(
    storage: PictureStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.write(DRAFT, BytesIO(b"half"))
    storage.delete_folder("users/a/")
    assert keys(storage) == [DRAFT]
    later = timezone.now() + base._DRAFT_RETENTION
    monkeypatch.setattr(timezone, "now", lambda: later)
    storage.delete_folder("users/a/")
    assert keys(storage) == []


# --- What it says of itself -----------------------------------------------------------------------


def test_one_url_is_one_storage(request: Request, storage: PictureStorage) -> None:
    name = request.node.callspec.params["storage"]
    assert OPENERS[name](request).url == storage.url
    assert storage.url not in {
        InMemoryStorage("other").url,
        DiskStorage("/another").url,
        "s3" if name != "s3" else open_s3(request, location="another").url,
    }


@pytest.mark.s3
def test_a_url_shows_no_secret(request: Request, spare_bucket: Bucket) -> None:
    assert spare_bucket.keys["secret_key"] not in open_s3(request).url


def test_presigned_urls_begin_with_the_origin(storage: PictureStorage) -> None:
    url = storage.presigned_url(KEY, begins=1_800_000_000, seconds=60)
    assert bool(url) == bool(storage.origin)
    assert url.startswith(storage.origin)


def test_a_storage_with_a_file_is_mounted(storage: PictureStorage) -> None:
    storage.write(KEY, BytesIO(b"bytes"))
    assert storage.is_mounted()


# --- Away -----------------------------------------------------------------------------------------


def open_unmounted(request: Request) -> DiskStorage:
    storage = open_disk(request)
    storage.expects_files = lambda: True
    return storage


@pytest.fixture(
    params=[
        pytest.param(open_unmounted, id="disk"),
        pytest.param(
            lambda request: open_s3(request, secret_key="another"), id="s3", marks=pytest.mark.s3
        ),
    ]
)
def storage_away(request: Request) -> Any:
    """Return a storage that was there before and is not now."""
    return request.param(request)


USES: dict[str, Callable[[PictureStorage, Path], object]] = {
    "check": lambda storage, folder: storage.check(),
    "open": lambda storage, folder: storage.open(KEY),
    "size": lambda storage, folder: storage.size(KEY),
    "sha256": lambda storage, folder: storage.sha256(KEY),
    "exists": lambda storage, folder: storage.exists(KEY),
    "walk": lambda storage, folder: list(storage.walk()),
    "copy_to": lambda storage, folder: storage.copy_to(KEY, folder),
    "save": lambda storage, folder: storage.save(KEY, Path(__file__)),
    "write": lambda storage, folder: storage.write(KEY, BytesIO(b"bytes")),
    "move": lambda storage, folder: storage.move(KEY, OTHER_KEY),
    "delete": lambda storage, folder: storage.delete(KEY),
    "delete_many": lambda storage, folder: storage.delete_many([KEY]),
    "delete_folder": lambda storage, folder: storage.delete_folder("users/a/"),
}


@pytest.mark.parametrize("use", USES)
def test_a_storage_that_is_away_is_never_taken_for_missing_files(
    storage_away: PictureStorage, tmp_path: Path, use: str
) -> None:
    with pytest.raises(StorageAway):
        USES[use](storage_away, tmp_path)


def test_a_storage_may_be_empty_where_no_files_are_expected(storage: PictureStorage) -> None:
    assert keys(storage) == []
    storage.check()
    storage.write(KEY, BytesIO(b"bytes"))
    assert storage.exists(KEY)


# --- In force -------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_one_class_is_all_that_a_new_storage_takes(
    alice: Any, as_alice: Any, settings: Settings, django_capture_on_commit_callbacks: Any
) -> None:
    backend = f"{InMemoryStorage.__module__}.{InMemoryStorage.__name__}"
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": backend}}
    picture = make_picture(alice, png(600, 400))
    ensure_thumbnails(picture.pk)
    picture.refresh_from_db()
    assert picture.rendering == Picture.Rendering.READY
    assert as_alice.get(f"/images/{picture.key}").getvalue() == png(600, 400)
    shown = as_alice.get("/api/user/thumbnails/").json()[0]["thumbnail"]
    assert as_alice.get(shown).status_code == 200
    assert keys(picture_storage, folder_of(alice.pk))[0] == picture.key
    with django_capture_on_commit_callbacks(execute=True):
        delete_picture(picture)
    assert keys(picture_storage) == []
    make_picture(alice, jpeg(30, 20))
    assert not Path(settings.MEDIA_ROOT).exists()


@pytest.mark.django_db
def test_files_are_expected_of_the_storage_in_force_once_there_is_a_row(alice: Any) -> None:
    assert not picture_storage.expects_files()
    make_picture(alice)
    assert picture_storage.expects_files()
    assert not DiskStorage().expects_files()


class OpenedSlowly(InMemoryStorage):
    """Another one would be opened meanwhile."""

    opened: ClassVar[list[PictureStorage]] = []
    another = threading.Event()

    def __init__(self) -> None:
        super().__init__()
        self.opened.append(self)
        if len(self.opened) > 1:
            self.another.set()
        self.another.wait(0.1)


def test_threads_that_ask_together_first_are_served_by_one_storage(settings: Settings) -> None:
    """It knows for all of them whether it is away, and on S3 it has one client."""
    backend = f"{OpenedSlowly.__module__}.{OpenedSlowly.__name__}"
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": backend}}
    together = threading.Barrier(4)

    def write(number: int) -> None:
        together.wait()
        picture_storage.write(f"users/a/{number}.png", BytesIO(b"bytes"))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))
    assert len(OpenedSlowly.opened) == 1
    assert len(keys(picture_storage)) == 4
