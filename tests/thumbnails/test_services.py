"""Ensuring thumbnails: missing ones are rendered, unwanted ones deleted, failures counted."""

import errno
from io import FileIO
from math import inf
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pytest_django import (
    DjangoAssertNumQueries,
    DjangoCaptureOnCommitCallbacks,
    Settings,
)

from accounts.models import User
from accounts.services import move_to_tier
from images import pixels
from images.caching import cached
from images.exceptions import PictureTooCostly
from images.models import Picture
from images.services import request_thumbnails
from images.storage.base import picture_storage
from lib import durable_files
from tests.factories import make_picture, make_tier, make_user
from tests.pictures import animation, encode, png, quarters
from tests.rows import make_row, make_thumbnail_row
from tests.signals import recorded
from tests.storages import StoredKeys
from tests.thumbnails.rows import heights, keys, record_signal, state, use_up_attempts
from thumbnails import claims, services
from thumbnails.models import RenderClaim, Thumbnail
from thumbnails.pace import PaceMeter
from thumbnails.renderings import RenderingFailed
from thumbnails.sandbox_work import render_thumbnails
from thumbnails.services import delete_thumbnail, ensure_thumbnails, find_heights
from thumbnails.signals import thumbnails_ready
from thumbnails.smaller_formats import make_beside
from tiers.services import set_heights

pytestmark = pytest.mark.django_db


def test_a_picture_gets_every_height_of_its_tier(picture: Picture, stored_keys: StoredKeys) -> None:
    sent = record_signal(thumbnails_ready)
    assert ensure_thumbnails(picture.pk) is False
    assert (heights(picture), state(picture)) == ([200, 400], "ready")
    assert set(stored_keys()) == {picture.key, *keys(picture)}
    assert sent == [picture.pk]


def test_ensuring_thumbnails_twice_changes_nothing(picture: Picture) -> None:
    ensure_thumbnails(picture.pk)
    before = list(Thumbnail.objects.values())
    ensure_thumbnails(picture.pk)
    assert list(Thumbnail.objects.values()) == before


def test_a_small_picture_is_never_enlarged(alice: User) -> None:
    picture = make_picture(alice, png(90, 60))
    ensure_thumbnails(picture.pk)
    sizes = set(picture.thumbnails.values_list("width_px", "height_px"))
    assert (heights(picture), sizes) == ([200, 400], {(90, 60)})


def test_a_deleted_picture_is_no_error() -> None:
    assert ensure_thumbnails(999) is False


def test_a_picture_deleted_while_it_is_rendered_leaves_no_file(
    picture: Picture, stored_keys: StoredKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    render = render_thumbnails

    def render_and_delete(*args: Any, **kwargs: Any) -> Any:
        made = render(*args, **kwargs)
        Picture.objects.filter(pk=picture.pk).delete()
        return made

    monkeypatch.setattr(services, "render_thumbnails", render_and_delete)
    assert ensure_thumbnails(picture.pk) is False
    assert not Thumbnail.objects.exists()
    assert [name for name in stored_keys() if "_" in name] == []


def test_the_third_failure_is_permanent_and_has_a_reason(
    picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise RenderingFailed("The picture cannot be decoded.")

    monkeypatch.setattr(services, "render_thumbnails", fail)
    for attempt in range(3):
        assert state(picture) == "pending", attempt
        ensure_thumbnails(picture.pk)
    assert (state(picture), picture.render_failure) == ("failed", "The picture cannot be decoded.")


def test_a_missing_file_is_a_failure_too(picture: Picture) -> None:
    picture_storage.delete(picture.key)
    for _ in range(3):
        ensure_thumbnails(picture.pk)
    assert (state(picture), picture.render_failure) == ("failed", "Its file is missing.")


def test_requesting_thumbnails_again_restores_all_attempts(picture: Picture) -> None:
    use_up_attempts(picture)
    ensure_thumbnails(picture.pk)
    assert state(picture) == "failed"
    request_thumbnails([picture.pk])
    ensure_thumbnails(picture.pk)
    assert state(picture) == "ready"


def test_replacing_thumbnails_serves_the_old_ones_until_the_new_exist(
    picture: Picture,
    stored_keys: StoredKeys,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    ensure_thumbnails(picture.pk)
    old = keys(picture)
    request_thumbnails([picture.pk], replace=True)
    assert keys(picture) == old
    with django_capture_on_commit_callbacks(execute=True):
        ensure_thumbnails(picture.pk)
    new = keys(picture)
    assert not old & new
    assert set(stored_keys()) == new | {picture.key}


def test_a_request_made_while_rendering_is_rendered_after(
    picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    render = render_thumbnails

    def render_and_change(*args: Any, **kwargs: Any) -> Any:
        monkeypatch.setattr(services, "render_thumbnails", render)
        set_heights(tier=picture.owner.tier, heights=[100, 200])
        request_thumbnails([picture.pk])
        return render(*args, **kwargs)

    monkeypatch.setattr(services, "render_thumbnails", render_and_change)
    assert ensure_thumbnails(picture.pk) is True
    assert state(picture) == "pending"
    ensure_thumbnails(picture.pk)
    assert (heights(picture), state(picture)) == ([100, 200], "ready")


def test_only_missing_heights_are_rendered(
    picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_thumbnails(picture.pk)
    asked = []
    render = render_thumbnails

    def render_and_note(source: Path, heights: list[int], folder: Path, **options: Any) -> Any:
        asked.append(heights)
        return render(source, heights, folder, **options)

    monkeypatch.setattr(services, "render_thumbnails", render_and_note)
    set_heights(tier=picture.owner.tier, heights=[100, 200])
    request_thumbnails([picture.pk])
    ensure_thumbnails(picture.pk)
    assert (asked, heights(picture)) == ([[100]], [100, 200])


@pytest.mark.unhurried
def test_an_unavailable_storage_costs_no_attempt(
    picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(durable_files, "write", full)
        for _ in range(2 * claims.MAX_ATTEMPTS):
            assert ensure_thumbnails(picture.pk) is False
    assert (state(picture), RenderClaim.objects.get().attempts) == ("pending", 0)
    ensure_thumbnails(picture.pk)
    assert state(picture) == "ready"


def test_a_rendering_that_fails_for_lack_of_room_costs_no_attempt(
    picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What decodes says that it failed, and cannot know why."""

    def fail(*args: object, **kwargs: object) -> None:
        raise RenderingFailed("The picture cannot be decoded.")

    monkeypatch.setattr(services, "render_thumbnails", fail)
    # Every write to it fails, as on a full disk.
    monkeypatch.setattr(services, "NamedTemporaryFile", lambda dir: FileIO("/dev/full", "w"))
    for _ in range(claims.MAX_FAILURES):
        ensure_thumbnails(picture.pk)
    claim = RenderClaim.objects.get()
    assert (state(picture), claim.attempts, claim.failures) == ("pending", 0, 0)


def test_what_nobody_foresaw_is_told_and_leaves_the_picture_pending(
    picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lease ends by itself, and its attempt counts."""

    def fail(*args: object, **kwargs: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(services, "render_thumbnails", fail)
    with pytest.raises(ZeroDivisionError):
        ensure_thumbnails(picture.pk)
    claim = RenderClaim.objects.get()
    assert (state(picture), claim.attempts, claim.failures) == ("pending", 1, 0)


def test_the_pace_is_told_of_what_was_made_and_how_long_it_took(
    picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    added: list[tuple[int, float]] = []
    monkeypatch.setattr("thumbnails.services.pace_meter.add", lambda *each: added.append(each))
    ensure_thumbnails(picture.pk)
    [(made, seconds)] = added
    assert made == 2
    assert 0 < seconds < 60
    request_thumbnails([picture.pk])
    ensure_thumbnails(picture.pk)
    assert len(added) == 1, "nothing was missing"


@pytest.mark.parametrize("is_shown", [False, True])
def test_placeholders_are_made_where_there_are_none_though_no_thumbnail_is_missing(
    picture: Picture, monkeypatch: pytest.MonkeyPatch, is_shown: bool
) -> None:
    ensure_thumbnails(picture.pk)
    asked: list[list[int]] = []
    render = render_thumbnails

    def render_and_note(source: Path, heights: list[int], folder: Path, **options: Any) -> Any:
        asked.append(heights)
        return render(source, heights, folder, **options)

    monkeypatch.setattr(services, "render_thumbnails", render_and_note)
    if not is_shown:
        Picture.objects.update(thumbhash="", dominant_color="")
    request_thumbnails([picture.pk])
    ensure_thumbnails(picture.pk)
    assert asked == ([] if is_shown else [[]])
    assert state(picture) == "ready"
    assert picture.thumbhash


def test_who_hears_that_a_picture_is_ready_is_shown_it_as_ready(picture: Picture) -> None:
    with recorded(thumbnails_ready) as sent:
        ensure_thumbnails(picture.pk)
    assert [(each["picture"].pk, each["picture"].rendering) for each in sent] == [
        (picture.pk, "ready")
    ]


def test_heights_are_those_of_the_owners_tier_and_of_the_picture_itself(alice: User) -> None:
    """Neither another picture's thumbnail counts nor one that is stale or of another quality."""
    first, other = (make_row(alice) for _ in range(2))
    for height in (200, 400):
        make_thumbnail_row(other, height, quality=alice.tier.quality)
    assert find_heights(first) == {400: False, 200: False}
    assert list(find_heights(first)) == [400, 200]
    assert find_heights(make_row(make_user("carol", "Basic"))) == {200: False}
    make_thumbnail_row(first, 200, quality=alice.tier.quality)
    make_thumbnail_row(first, 400, quality=alice.tier.quality, is_stale=True)
    assert find_heights(first) == {400: False, 200: True}
    first.thumbnails.filter(height=400).update(is_stale=False)
    assert find_heights(first) == {400: True, 200: True}
    first.thumbnails.filter(height=200).update(quality=alice.tier.quality - 1)
    assert find_heights(first) == {400: True, 200: False}


@pytest.mark.parametrize("are_pixels_left", [False, True])
def test_an_account_without_heights_has_placeholders_and_no_thumbnails(
    alice: User, are_pixels_left: bool
) -> None:
    """Whether it had heights when the picture was uploaded, or none."""
    without = make_tier("None", [])
    if not are_pixels_left:
        move_to_tier(alice, without)
    picture = make_picture(alice)
    move_to_tier(alice, without)
    ensure_thumbnails(picture.pk)
    assert (heights(picture), state(picture)) == ([], "ready")
    assert picture.thumbhash
    assert picture.dominant_color


def test_a_row_says_what_its_files_are(picture: Picture) -> None:
    ensure_thumbnails(picture.pk)
    rows = list(picture.thumbnails.order_by("height"))
    assert [each.height for each in rows] == [200, 400]
    for row in rows:
        assert (row.owner_id, row.quality) == (picture.owner_id, picture.owner.tier.quality)
        for key, size in (
            (row.key, row.bytes), (row.webp_key, row.webp_bytes), (row.avif_key, row.avif_bytes),
        ):  # fmt: skip
            assert size == (picture_storage.size(key) if key else 0)
        with picture_storage.open(row.key) as file, Image.open(file) as image:
            assert image.size == (row.width_px, row.height_px) == (row.height * 3 // 2, row.height)
            assert row.content_type == Image.MIME[str(image.format)]


def test_lists_show_at_once_that_a_thumbnail_was_made_or_deleted(
    picture: Picture,
    settings: Settings,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    settings.CACHE_SECONDS = 60

    def list_heights() -> list[int]:
        found: list[int] = cached(
            picture.owner_id, "heights", lambda: heights(picture), is_valid=lambda found: True
        )
        return found

    assert list_heights() == []
    with django_capture_on_commit_callbacks(execute=True):
        ensure_thumbnails(picture.pk)
    assert list_heights() == [200, 400]
    with django_capture_on_commit_callbacks(execute=True):
        delete_thumbnail(picture.thumbnails.earliest("height"))
    assert list_heights() == [400]


# --- Pixels that the check left -------------------------------------------------------------------


@pytest.mark.unhurried
@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_thumbnails_of_pixels_are_those_of_the_original(
    alice: User, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Byte for byte, and the original is decoded once, by the check."""

    def render_original(*_: object, **__: object) -> None:
        raise AssertionError("the original is decoded again")

    content = encode(quarters(900, 600, "RGBA" if name == "PNG" else "RGB"), name)
    once, twice = make_picture(alice, content), make_picture(alice, content)
    pixels.drop(twice.uid)
    with monkeypatch.context() as patched:
        patched.setattr(services, "render_thumbnails", render_original)
        ensure_thumbnails(once.pk)
        patched.setattr(picture_storage, "copy_to", render_original)
        make_beside(once.pk)
    ensure_thumbnails(twice.pk)
    assert files(once) == files(twice)
    once.refresh_from_db()
    twice.refresh_from_db()
    assert (once.thumbhash, once.dominant_color) == (twice.thumbhash, twice.dominant_color)
    assert once.thumbhash


def files(picture: Picture) -> list[tuple[int, bytes]]:
    """Return each thumbnail's width and bytes, its WebP's too."""
    found = []
    for each in picture.thumbnails.order_by("height"):
        for key in each.keys:
            with picture_storage.open(key) as file:
                found.append((each.width_px, file.read()))
    return found


def test_a_height_beyond_the_pixels_is_rendered_from_the_original(alice: User) -> None:
    picture = make_picture(alice, png(1500, 1000))
    set_heights(tier=alice.tier, heights=[200, 800])
    ensure_thumbnails(picture.pk)
    sizes = set(picture.thumbnails.values_list("height_px", flat=True))
    assert sizes == {200, 800}


@pytest.mark.parametrize(
    "content",
    [animation("GIF", [(9, 9, 9), (200, 0, 0)], [50, 50]), png(9000, 320)],
)
def test_of_animations_and_of_too_many_pixels_none_are_left(alice: User, content: bytes) -> None:
    picture = make_picture(alice, content)
    with pixels.taken(picture.uid) as found:
        assert found is None
    ensure_thumbnails(picture.pk)
    assert state(picture) == "ready"


def test_pixels_that_cannot_be_rendered_cost_a_second_decode_alone(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise PictureTooCostly("The picture is too costly to decode.")

    picture = make_picture(alice, png(900, 600))
    monkeypatch.setattr(services, "render_pixels", fail)
    ensure_thumbnails(picture.pk)
    assert (heights(picture), state(picture)) == ([200, 400], "ready")


def test_an_upload_takes_twelve_statements_and_one_commit(
    picture: Picture,
    django_assert_num_queries: DjangoAssertNumQueries,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of claiming, looking, and one transaction of rows, event and ledger."""
    # The pace is written every few seconds.
    meter = PaceMeter()
    meter._written_at = inf
    monkeypatch.setattr(services, "pace_meter", meter)
    with django_assert_num_queries(12):
        ensure_thumbnails(picture.pk)
    assert state(picture) == "ready"


def test_the_names_of_all_files_are_flushed_at_once(
    picture: Picture, flushed: list[Path], settings: Settings
) -> None:
    ensure_thumbnails(picture.pk)
    keys = [key for row in picture.thumbnails.all() for key in row.keys]
    folder = (Path(settings.MEDIA_ROOT) / picture.key).parent
    assert len(keys) > 2
    assert flushed.count(folder) == 1
