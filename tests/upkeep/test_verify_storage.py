"""Rows and files compared both ways, on disk and on S3."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import User
from delivery.jpeg_renditions import jpeg_key
from delivery.stripped_copies import stripped_key
from images.default_picture import copy_default
from images.ledger import Usage
from images.models import Picture
from images.removals import remove_waiting_files
from images.services import delete_picture
from images.storage.base import picture_storage
from images.storage.keys import copy_key
from images.usage import usage_of
from tests.factories import make_picture
from tests.pictures import encode, jpeg, waves
from thumbnails.models import Rendition
from upkeep import verifying
from upkeep.referenced_keys import FileKind, count_referenced_keys, referenced_keys
from upkeep.tasks import mend_ledger

pytestmark = [pytest.mark.django_db, pytest.mark.storages]


@pytest.fixture
def picture(
    alice: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> Picture:
    """A picture with a clean copy, two thumbnails in three formats, and a rendition."""
    with django_capture_on_commit_callbacks(execute=True):
        made = make_picture(alice, encode(waves(900, 600), "JPEG", comment=b"taken at home"))
    made.refresh_from_db()
    stripped_key(made)
    jpeg_key(alice, made, 320)
    return made


def verify(**options: Any) -> tuple[list[str], bool]:
    """Run the command; returns its lines, and whether it was content."""
    out = StringIO()
    try:
        call_command("verify_storage", stdout=out, stderr=StringIO(), **options)
    except CommandError as error:
        return [*out.getvalue().splitlines(), str(error)], False
    return out.getvalue().splitlines(), True


def spoil(key: str, tmp_path: Path, content: bytes = b"not that") -> None:
    picture_storage.delete(key)
    (tmp_path / "spoilt").write_bytes(content)
    picture_storage.save(key, tmp_path / "spoilt")


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file is older than the grace time."""
    now = timezone.now() + timedelta(hours=2)
    monkeypatch.setattr(timezone, "now", lambda: now)


def test_a_sound_storage_is_said_to_be(picture: Picture) -> None:
    assert verify(hash=True) == (["9 keys compared: all is well."], True)
    assert count_referenced_keys() == 9


def test_keys_come_in_byte_order_whatever_the_database_sorts_by(
    picture: Picture, bob: User
) -> None:
    copy_default(owner=bob, visibility="members", preferred_name="Ana_b.png")
    others = [make_picture(bob, jpeg(60, 40, comment=b"x")) for _ in range(5)]
    for each, name in zip(others, ["ana", "ana_b", "ana-b", "Ana", "ana.c"], strict=True):
        key = f"users/{bob.pk}/{name}.jpg"
        Picture.objects.filter(pk=each.pk).update(key=key, clean_key=copy_key(key, "clean", "jpg"))
    keys = [each.key for each in referenced_keys()]
    assert keys == sorted(keys)
    assert len(keys) == len(set(keys)) == 9 + 1 + 10


@pytest.mark.unhurried
@pytest.mark.parametrize("kind", list(FileKind))
def test_a_row_without_its_file_is_told_with_picture_and_owner(
    picture: Picture, kind: FileKind
) -> None:
    key = next(each.key for each in referenced_keys() if each.kind == kind)
    picture_storage.delete(key)
    lines, content = verify()
    assert lines[0] == f"missing: {kind} {key}, picture {picture.uid} of alice"
    assert lines[1:] == ["9 keys compared: 1 missing.", "1 are left that way."]
    assert not content


def test_an_empty_file_is_wrong_also_where_no_row_says_how_long_it_was(
    picture: Picture, tmp_path: Path
) -> None:
    """An older release wrote the row."""
    Rendition.objects.update(bytes=None)
    key = Rendition.objects.get().key
    spoil(key, tmp_path, b"")
    lines, content = verify()
    assert lines[0] == f"wrong size: {FileKind.RENDITION} {key}, picture {picture.uid} of alice"
    assert not content


@pytest.mark.unhurried
@pytest.mark.parametrize(
    "kind",
    [FileKind.STRIPPED, FileKind.THUMBNAIL, FileKind.WEBP, FileKind.AVIF, FileKind.RENDITION],
)
@pytest.mark.parametrize("damage", ["missing", "empty"])
def test_what_was_made_of_a_picture_is_made_again(
    picture: Picture,
    alice: User,
    kind: FileKind,
    damage: str,
    tmp_path: Path,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    key = next(each.key for each in referenced_keys() if each.kind == kind)
    picture_storage.delete(key) if damage == "missing" else spoil(key, tmp_path, b"")
    with django_capture_on_commit_callbacks(execute=True):
        lines, content = verify(fix=True)
    assert content, lines
    picture.refresh_from_db()
    assert picture.rendering == Picture.Rendering.READY
    stripped_key(picture)
    jpeg_key(alice, picture, 320)
    assert picture.thumbnails.count() == 2
    assert verify(hash=True) == (["9 keys compared: all is well."], True)
    kept = [each.key for each in picture_storage.walk("quarantine/")]
    assert [name.split("/", 2)[2] for name in kept] == ([] if damage == "missing" else [key])


def test_an_original_that_is_gone_cannot_be_mended_nor_hides_what_else_is(picture: Picture) -> None:
    picture_storage.delete(picture.key)
    thumbnail = picture.thumbnails.earliest("height")
    picture_storage.delete(thumbnail.key)
    lines, content = verify(fix=True)
    assert not content
    assert lines[-2:] == ["9 keys compared: 2 missing.", "2 are left that way."]
    assert picture.thumbnails.count() == 2


def test_a_copy_of_the_default_picture_is_copied_again(alice: User) -> None:
    copied = copy_default(owner=alice, visibility="members")
    assert copied is not None
    picture_storage.delete(copied.key)
    lines, content = verify(fix=True)
    assert (content, "copied again" in lines[0]) == (True, True)
    assert verify(hash=True)[1]


def test_another_content_of_the_same_length_is_found_by_its_hash(
    picture: Picture, tmp_path: Path
) -> None:
    spoil(picture.key, tmp_path, b"x" * picture.bytes)
    assert verify() == (["9 keys compared: all is well."], True)
    lines, content = verify(hash=True)
    assert not content
    assert lines[0].startswith(f"wrong content: original {picture.key}, picture {picture.uid}")


def test_another_length_is_found_without(picture: Picture, tmp_path: Path) -> None:
    spoil(picture.key, tmp_path)
    lines, content = verify(fix=True)
    assert not content
    assert lines[0].startswith(f"wrong size: original {picture.key}")
    assert picture_storage.exists(picture.key)


def test_a_young_file_may_belong_to_an_upload(picture: Picture, tmp_path: Path) -> None:
    spoil(f"users/{picture.owner_id}/new.png", tmp_path)
    assert verify(fix=True)[1]
    assert picture_storage.exists(f"users/{picture.owner_id}/new.png")


@pytest.mark.usefixtures("later")
def test_what_nobody_owns_goes_to_quarantine_and_nothing_else_does(
    picture: Picture, tmp_path: Path
) -> None:
    lost = f"users/{picture.owner_id}/lost.png"
    spoil(lost, tmp_path)
    before = [each.key for each in referenced_keys()]
    lines, content = verify()
    assert (lines[0], content) == (f"nobody's: {lost}", False)
    lines, content = verify(fix=True)
    assert (lines[0], content) == (f"nobody's: {lost} (moved to quarantine)", True)
    (kept,) = picture_storage.walk("quarantine/")
    assert kept.key.endswith(f"/{lost}")
    assert picture_storage.sha256(kept.key) == hashlib.sha256(b"not that").hexdigest()
    assert [each.key for each in picture_storage.walk()] == before
    assert verify() == (["9 keys compared: all is well."], True)


@pytest.mark.usefixtures("later")
def test_a_row_that_came_meanwhile_keeps_its_file(
    picture: Picture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the listing and the finding an upload writes its row."""
    unseen = [each for each in referenced_keys() if each.key != picture.key]
    monkeypatch.setattr(verifying, "referenced_keys", lambda: iter(unseen))
    assert verify(fix=True)[1]
    assert picture_storage.exists(picture.key)


def test_a_picture_deleted_meanwhile_is_not_missed(
    picture: Picture,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    seen = list(referenced_keys())
    with django_capture_on_commit_callbacks(execute=True):
        delete_picture(picture)
    monkeypatch.setattr(verifying, "referenced_keys", lambda: iter(seen))
    assert verify() == (["9 keys compared: all is well."], True)


@pytest.mark.unhurried
@pytest.mark.parametrize("is_lost", [False, True])
def test_a_file_that_came_after_it_was_listed_is_not_missed(
    picture: Picture, is_lost: bool
) -> None:
    listed = [each for each in picture_storage.walk() if each.key != picture.key]
    if is_lost:
        picture_storage.delete(picture.key)
    # As it was before the storage in force is another one.
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(picture_storage, "walk", lambda *_: iter(listed))
        assert verify()[1] is not is_lost


def test_a_file_that_goes_while_it_is_read_has_no_other_content(
    picture: Picture, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    """Its row went before it."""
    digest, gone = picture_storage.sha256, list[str]()

    def delete_first(key: str) -> str:
        if not gone:
            gone.append(key)
            with django_capture_on_commit_callbacks(execute=True):
                delete_picture(picture)
        return digest(key)

    listed = list(picture_storage.walk())
    seen = list(referenced_keys())
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(picture_storage, "walk", lambda *_: iter(listed))
        patched.setattr(verifying, "referenced_keys", lambda: iter(seen))
        patched.setattr(picture_storage, "sha256", delete_first)
        assert verify(hash=True)[1]
    assert gone


def test_a_rendition_of_a_thumbnail_goes_with_it(
    picture: Picture,
    alice: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    alice.tier.grants_original = False
    alice.tier.save()
    picture.owner.tier.refresh_from_db()
    made = jpeg_key(alice, picture, 160)
    source = Rendition.objects.get(key=made).source_key
    picture_storage.delete(source)
    with django_capture_on_commit_callbacks(execute=True):
        assert verify(fix=True)[1]
    assert not picture_storage.exists(made)
    assert verify()[1]


def test_an_empty_house_is_in_order(db: None) -> None:
    assert verify() == (["0 keys compared: all is well."], True)


# --- The ledger, sizes, and files that wait -------------------------------------------------------


def test_with_full_output_the_ledger_and_the_storage_differ_by_nothing(
    picture: Picture, alice: User
) -> None:
    stored = sum(each.bytes for each in picture_storage.walk())
    lines, content = verify(verbosity=2)
    assert content
    assert lines == [
        f"{stored} bytes are stored: {stored} in the ledger, 0 waiting for their removal; the "
        "difference is 0 bytes.",
        "9 keys compared: all is well.",
    ]
    assert usage_of(alice.pk).stored_bytes == stored


def test_what_is_missing_is_not_counted_as_stored(picture: Picture) -> None:
    picture_storage.delete(picture.key)
    stored = sum(each.bytes for each in picture_storage.walk())
    lines, _ = verify(verbosity=2)
    assert any(each.startswith(f"{stored} bytes are stored: ") for each in lines), lines


def test_a_wrong_ledger_is_found_and_counted_again(picture: Picture, alice: User) -> None:
    Usage.objects.update(thumbnails_bytes=F("thumbnails_bytes") + 12, pictures=0)
    lines, content = verify()
    assert (lines, content) == (
        [
            "wrong in the ledger: -1 pictures, +12 thumbnails (bytes) of alice",
            "9 keys compared: 1 wrong in the ledger.",
            "1 are left that way.",
        ],
        False,
    )
    assert verify(fix=True) == (
        [
            "wrong in the ledger: -1 pictures, +12 thumbnails (bytes) of alice (counted again)",
            "9 keys compared: 1 wrong in the ledger.",
        ],
        True,
    )
    assert verify() == (["9 keys compared: all is well."], True)


@pytest.mark.unhurried
@pytest.mark.parametrize("measure", [lambda: verify(fix=True), mend_ledger])
def test_copies_of_older_releases_are_measured(
    picture: Picture, alice: User, measure: Callable[[], object]
) -> None:
    before = usage_of(alice.pk)
    Picture.objects.update(clean_bytes=None)
    Rendition.objects.update(bytes=None)
    Usage.objects.update(other_bytes=0)
    lines, content = verify()
    assert (lines, content) == (
        ["2 copies of older releases are measured by --fix.", "9 keys compared: all is well."],
        True,
    )
    measure()
    assert verify() == (["9 keys compared: all is well."], True)
    assert usage_of(alice.pk).amounts == before.amounts


def test_what_waits_for_its_removal_is_nobodys_but_no_defect(picture: Picture, later: None) -> None:
    delete_picture(picture)
    waiting = sum(each.bytes for each in picture_storage.walk())
    assert verify(fix=True, verbosity=2) == (
        [
            "9 files wait for their removal.",
            f"{waiting} bytes are stored: 0 in the ledger, {waiting} waiting for their removal; "
            "the difference is 0 bytes.",
            "9 keys compared: all is well.",
        ],
        True,
    )
    assert remove_waiting_files() == 9
    assert verify() == (["0 keys compared: all is well."], True)
