"""Ensuring thumbnails: missing ones are rendered, unwanted ones deleted, failures counted."""

import errno
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from accounts.models import User
from images import pixels
from images.exceptions import PictureTooCostly
from images.models import Picture
from images.services import request_thumbnails
from images.storage.base import picture_storage
from lib import durable_files
from tests.factories import make_picture, make_tier
from tests.pictures import animation, encode, png, quarters
from tests.storages import StoredKeys
from tests.thumbnails.rows import heights, keys, record_signal, state, use_up_attempts
from thumbnails import claims, services
from thumbnails.models import RenderClaim, Thumbnail
from thumbnails.renderings import RenderingFailed
from thumbnails.sandbox_work import render_thumbnails
from thumbnails.services import ensure_thumbnails
from thumbnails.signals import thumbnails_ready
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
    ensure_thumbnails(picture.pk)
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


def test_an_unavailable_storage_costs_no_attempt(
    picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(durable_files, "write", full)
        for _ in range(2 * claims.MAX_ATTEMPTS):
            ensure_thumbnails(picture.pk)
    assert (state(picture), RenderClaim.objects.get().attempts) == ("pending", 0)
    ensure_thumbnails(picture.pk)
    assert state(picture) == "ready"


def test_an_account_without_heights_has_no_thumbnails(alice: User) -> None:
    alice.tier = make_tier("None", [])
    alice.save()
    picture = make_picture(alice)
    ensure_thumbnails(picture.pk)
    assert (heights(picture), state(picture)) == ([], "ready")


# --- Pixels that the check left -------------------------------------------------------------------


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
    picture: Picture, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """Of claiming, looking, and one transaction of rows, event and ledger."""
    with django_assert_num_queries(12):
        ensure_thumbnails(picture.pk)
    assert state(picture) == "ready"


def test_the_names_of_all_files_are_flushed_at_once(picture: Picture, flushed: list[Path]) -> None:
    ensure_thumbnails(picture.pk)
    keys = [key for row in picture.thumbnails.all() for key in row.keys]
    folder = (Path(settings.MEDIA_ROOT) / picture.key).parent
    assert len(keys) > 2
    assert flushed.count(folder) == 1
