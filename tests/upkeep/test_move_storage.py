"""Files moved from disk to S3 and back, begun again, and removed only on wish."""

from collections.abc import Iterator
from io import BytesIO, StringIO
from pathlib import Path
from typing import IO, Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import User
from images.models import Picture
from images.storage.base import PictureStorage, picture_storage
from images.storage.disk import DiskStorage
from images.storage.listing import StoredFile
from images.storage.s3 import S3PictureStorage
from images.storage.urls import describe_storage
from tests.factories import make_picture
from tests.pictures import jpeg, png
from tests.storages import Bucket
from upkeep.named_storages import open_storage

pytestmark = [pytest.mark.django_db, pytest.mark.s3]


@pytest.fixture
def pictures(
    alice: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> list[Picture]:
    with django_capture_on_commit_callbacks(execute=True):
        return [make_picture(alice, jpeg(500, 410 + each)) for each in range(3)]


@pytest.fixture
def s3(spare_bucket: Bucket, settings: Settings) -> str:
    """The address of the other storage; its keys are in the environment's usual names."""
    settings.STORAGE_DEFAULTS = {**settings.STORAGE_DEFAULTS, **spare_bucket.keys}
    return spare_bucket.url


@pytest.fixture
def disk(settings: Settings) -> str:
    return f"file://{settings.MEDIA_ROOT}"


def move(**options: Any) -> str:
    out = StringIO()
    call_command("move_storage", stdout=out, stderr=StringIO(), **options)
    return out.getvalue().strip()


def contents(place: PictureStorage) -> dict[str, bytes]:
    found = {}
    for each in place.walk("users/"):
        with place.open(each.key) as file:
            found[each.key] = file.read()
    return found


def use(settings: Settings, url: str, keys: dict[str, str]) -> None:
    settings.STORAGES = {**settings.STORAGES, "default": describe_storage(url, keys)}


def test_to_s3_and_back_again(
    pictures: list[Picture],
    s3: str,
    disk: str,
    spare_bucket: Bucket,
    settings: Settings,
    tmp_path: Path,
) -> None:
    on_disk = contents(open_storage())
    assert move(target=s3) == "15 copied."
    assert contents(open_storage(s3)) == on_disk
    stored = spare_bucket.server.client().head_object(
        Bucket=spare_bucket.name, Key=f"{spare_bucket.prefix}/{pictures[0].key}"
    )
    assert stored["ContentType"] == "image/jpeg"
    back = f"file://{tmp_path / 'back'}"
    assert move(source=s3, target=back) == "15 copied."
    assert contents(open_storage(back)) == on_disk


@pytest.mark.unhurried
def test_it_goes_on_where_it_stopped(
    pictures: list[Picture], s3: str, spare_bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = S3PictureStorage._write
    left = iter(range(4))

    def dying(self: S3PictureStorage, key: str, file: IO[bytes]) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        write(self, key, file)

    with monkeypatch.context() as patch:
        patch.setattr(S3PictureStorage, "_write", dying)
        with pytest.raises(KeyboardInterrupt):
            move(target=s3)
    assert len(spare_bucket.names()) == 4
    assert move(target=s3) == "11 copied, 4 there already."
    assert move(target=s3) == "15 there already."


@pytest.mark.unhurried
def test_the_service_may_go_on_meanwhile(
    pictures: list[Picture],
    alice: User,
    s3: str,
    disk: str,
    spare_bucket: Bucket,
    settings: Settings,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    """What came during the first run comes by the second, after the service has changed over."""
    move(target=s3)
    with django_capture_on_commit_callbacks(execute=True):
        late = make_picture(alice, png(30, 20))
    use(settings, s3, spare_bucket.keys)
    assert not picture_storage.exists(late.key)
    assert move(source=disk) == "5 copied, 15 there already."
    out = StringIO()
    call_command("verify_storage", hash=True, stdout=out)
    assert out.getvalue() == "20 keys compared: all is well.\n"


@pytest.mark.unhurried
def test_a_file_that_goes_meanwhile_is_passed_over(
    pictures: list[Picture], s3: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk = DiskStorage.walk

    def late(self: DiskStorage, folder: str = "users/") -> Iterator[StoredFile]:
        for each in walk(self, folder):
            if each.key == pictures[0].key:
                self.delete(each.key)
            yield each

    monkeypatch.setattr(DiskStorage, "walk", late)
    assert move(target=s3) == "14 copied, 1 gone meanwhile."


@pytest.mark.unhurried
@pytest.mark.parametrize(("content", "hashing"), [(b"short", False), (None, True)])
def test_what_differs_is_replaced_and_kept_aside(
    pictures: list[Picture], s3: str, spare_bucket: Bucket, content: bytes | None, hashing: bool
) -> None:
    move(target=s3)
    place = open_storage(s3)
    key = pictures[0].key
    wrong = content or b"x" * pictures[0].bytes
    place.delete(key)
    place.write(key, BytesIO(wrong))
    assert move(target=s3) == ("15 there already." if hashing else "1 copied, 14 there already.")
    if hashing:
        assert move(target=s3, hash=True) == "1 copied, 14 there already."
    assert contents(place) == contents(DiskStorage())
    (aside,) = place.walk("quarantine/")
    with place.open(aside.key) as file:
        assert (aside.key.endswith(key), file.read()) == (True, wrong)


def test_a_copy_that_reads_back_otherwise_stops_it(
    pictures: list[Picture], s3: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = S3PictureStorage._write

    def damaging(self: S3PictureStorage, key: str, file: IO[bytes]) -> None:
        content = file.read()
        write(self, key, BytesIO(content[: len(content) // 2]))

    monkeypatch.setattr(S3PictureStorage, "_write", damaging)
    with pytest.raises(CommandError, match=r"Not what was written: users/.* Nothing was deleted"):
        move(target=s3)


@pytest.mark.unhurried
def test_the_source_is_emptied_only_on_wish_and_only_of_what_arrived(
    pictures: list[Picture], s3: str, disk: str, spare_bucket: Bucket, settings: Settings
) -> None:
    with pytest.raises(CommandError, match="The service still uses the source"):
        move(target=s3, remove_source=True)
    move(target=s3)
    use(settings, s3, spare_bucket.keys)
    assert move(source=disk, remove_source=True) == (
        "15 there already.\nFrom the source: 15 removed."
    )
    assert list(open_storage(disk).walk("users/")) == []
    assert len(list(picture_storage.walk())) == 15


def list_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def assert_refused(words: str, **options: Any) -> None:
    with pytest.raises(CommandError, match=words):
        move(remove_source=True, **options)


@pytest.mark.unhurried
@pytest.mark.parametrize("shared", ["", "users"])
def test_nothing_is_removed_where_the_target_is_the_source_by_another_name(
    pictures: list[Picture], disk: str, settings: Settings, tmp_path: Path, shared: str
) -> None:
    """All of the folder may be linked, or the one of the accounts in it."""
    real = Path(settings.MEDIA_ROOT)
    other = tmp_path / "other"
    if shared:
        other.mkdir()
    (other / shared).symlink_to(real / shared)
    settings.STORAGES = {**settings.STORAGES, "default": describe_storage(f"file://{other}", {})}
    before = list_files(real)
    assert_refused("Name two different storages", source=disk)
    assert_refused("Name two different storages", source=disk, target=f"file://{other}")
    assert list_files(real) == before


def test_nothing_is_removed_that_the_service_uses_by_another_name(
    pictures: list[Picture], settings: Settings, tmp_path: Path
) -> None:
    real = Path(settings.MEDIA_ROOT)
    (tmp_path / "other").symlink_to(real)
    before = list_files(real)
    source, target = f"file://{tmp_path / 'other'}", f"file://{tmp_path / 'new'}"
    assert_refused("The service still uses the source", source=source, target=target)
    assert list_files(real) == before
    assert not (tmp_path / "new").exists()


@pytest.mark.unhurried
def test_one_bucket_by_two_names_of_its_server_is_not_emptied(
    pictures: list[Picture], s3: str, spare_bucket: Bucket
) -> None:
    move(target=s3)
    before = spare_bucket.names()
    assert_refused(
        "Name two different storages", source=s3, target=s3.replace("127.0.0.1", "localhost")
    )
    assert spare_bucket.names() == before


def test_a_source_that_is_not_mounted_is_not_written_to(disk: str, tmp_path: Path) -> None:
    source = f"file://{tmp_path / 'nothing'}"
    assert_refused(
        "The source has no folder users", source=source, target=f"file://{tmp_path / 'new'}"
    )
    assert not (tmp_path / "nothing").exists()


@pytest.mark.unhurried
def test_a_probe_goes_even_where_asking_the_other_place_fails(
    pictures: list[Picture], disk: str, settings: Settings, s3: str
) -> None:
    real = Path(settings.MEDIA_ROOT)
    use(settings, s3, settings.STORAGE_DEFAULTS)
    before = list_files(real)
    away = "s3://a:b@pics?endpoint_url=http://127.0.0.1:1"
    assert_refused("Stopped, begin again", source=disk, target=away)
    assert list_files(real) == before


@pytest.mark.unhurried
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "Name two different storages"),
        ({"target": "s3://"}, "The address is wrong: the bucket's name is missing"),
        ({"target": "s3://a:b@pics?endpoint_url=http://127.0.0.1:1"}, "Stopped, begin again"),
    ],
)
def test_nonsense_is_refused_in_one_line(
    pictures: list[Picture], options: dict[str, str], words: str
) -> None:
    with pytest.raises(CommandError, match=words):
        move(**options)
