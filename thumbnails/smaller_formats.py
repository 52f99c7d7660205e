"""What lies beside thumbnails in smaller formats, made after them: a picture is ready before.

Thumbnails that were rendered from the pixels of an upload's check come without it, and their claim
says so (`RenderClaim.beside_due_at`). The worker that rendered them makes it as soon as no upload
waits, and any other once that has not happened in time. A file's key follows from its
thumbnail's, so that whoever tries again finds what a killed worker has stored.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from django.db import connection
from django.db.backends.utils import CursorWrapper

from images.caching import invalidate
from images.exceptions import PictureTooCostly
from images.ledger import Column, count_bytes, counted_transaction
from images.models import Picture
from images.pixels import Pixels
from images.sandbox.pool import TooLate
from images.sandbox.work_dir import temporary_dir
from images.storage.base import picture_storage
from images.storage.keys import keys_beside, may_lack_beside
from images.storage.outages import is_outage
from thumbnails import claims
from thumbnails.kept_pixels import kept_pixels
from thumbnails.metrics import BESIDE_SECONDS
from thumbnails.pace import pace_meter
from thumbnails.renderings import RenderingFailed
from thumbnails.sandbox_work import render_beside

logger = logging.getLogger(__name__)


# Written out, since Django takes longer to compile these than a database to run them.
_FIND_THUMBNAILS = """
    select id, key, height, bytes, quality from thumbnails_thumbnail
    where picture_id = %s and webp_key = '' and not is_stale
"""
_LOCK_PICTURE = "select 1 from images_picture where id = %s for no key update"
_FIND_NAMES = "select id, webp_key from thumbnails_thumbnail where picture_id = %s"
_NAME_FILES = """
    update thumbnails_thumbnail
    set webp_key = %s, webp_bytes = %s, avif_key = %s, avif_bytes = %s where id = %s
"""

_Render = Callable[[Path | Pixels, Mapping[int, int], Path], dict[int, dict[str, Path]]]


class _Thumbnail(NamedTuple):
    """What is asked of a thumbnail's row."""

    id: int
    key: str
    height: int
    bytes: int
    quality: int


@dataclass(frozen=True, slots=True)
class _Made:
    """What was made of one thumbnail: files by their keys."""

    thumbnail: _Thumbnail
    files: dict[str, Path]

    @property
    def id(self) -> int:
        return self.thumbnail.id


def make_beside(picture_id: int) -> None:
    """Make what is to lie beside a picture's thumbnails, if anything is.

    It may run twice, late, in parallel or after a crash. What cannot be made is left out: the
    thumbnails are there.
    """
    found = claims.claim_beside(picture_id)
    if found is None:
        kept_pixels.drop(picture_id)
        return
    picture, attempt = found
    try:
        with claims.renewed_lease(picture):
            _make(picture, is_first=attempt == 1)
    except TooLate:
        # The next attempt gives way to nothing.
        logger.warning("what lies beside picture %s waits: others took all time", picture.pk)
        claims.retry_beside(picture.pk)
    except (RenderingFailed, PictureTooCostly, FileNotFoundError) as error:
        logger.warning("picture %s keeps its thumbnails as they are: %s", picture.pk, error)
        claims.end_beside(picture.pk)
    except Exception as error:
        if not (is_outage(error) or isinstance(error, FileExistsError)):
            raise
        logger.warning("what lies beside picture %s waits: %r", picture.pk, error)
        claims.return_beside(picture.pk)


def _make(picture: Picture, *, is_first: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_FIND_THUMBNAILS, [picture.pk])
        found = [_Thumbnail(*row) for row in cursor.fetchall()]
    thumbnails = [each for each in found if may_lack_beside(each.key)]
    began = time.monotonic()
    with temporary_dir() as folder:
        made = _render(picture, thumbnails, Path(folder), is_first=is_first) if thumbnails else []
        files = {key: path for each in made for key, path in each.files.items()}
        _store(files)
        _write_rows(picture, made)
    if made:
        pace_meter.add(0, time.monotonic() - began)


def _render(
    picture: Picture, thumbnails: list[_Thumbnail], folder: Path, *, is_first: bool
) -> list[_Made]:
    sizes = {each.height: each.bytes for each in thumbnails}
    render = partial(render_beside, quality=thumbnails[0].quality, is_behind=is_first)
    with BESIDE_SECONDS.time():
        beside = _render_pixels(picture, sizes, folder, render)
        if beside is None:
            beside = render(picture_storage.copy_to(picture.key, folder), sizes, folder)
    return [_Made(each, _by_key(each, beside[each.height])) for each in thumbnails]


def _render_pixels(
    picture: Picture, sizes: Mapping[int, int], folder: Path, render: _Render
) -> dict[int, dict[str, Path]] | None:
    """Render from the pixels that were kept; None where there are none that suffice."""
    pixels = kept_pixels.take(picture.pk)
    if pixels is None:
        return None
    with pixels.file:
        if not pixels.shape.suffices(max(sizes)):
            return None
        return render(pixels, sizes, folder)


def _by_key(thumbnail: _Thumbnail, files: Mapping[str, Path]) -> dict[str, Path]:
    keys = keys_beside(thumbnail.key)
    return {keys[extension]: path for extension, path in files.items()}


def _store(files: Mapping[str, Path]) -> None:
    """Store files; what an attempt before has stored, which ended at any point, may be there."""
    try:
        picture_storage.save_all(files)
    except FileExistsError:
        picture_storage.save_all(_not_stored(files))


def _not_stored(files: Mapping[str, Path]) -> dict[str, Path]:
    """Leave out what an attempt before has stored; remove what another release made otherwise."""
    missing = {}
    for key, path in files.items():
        if picture_storage.exists(key):
            if picture_storage.size(key) == path.stat().st_size:
                continue
            picture_storage.delete(key)
        missing[key] = path
    return missing


def _write_rows(picture: Picture, made: list[_Made]) -> None:
    """Name the files in the rows of their thumbnails; remove those whose thumbnail is gone."""
    with counted_transaction():
        # Its lock makes a deletion wait for the rows, so that it deletes these files too.
        with connection.cursor() as cursor:
            # Without such locks one transaction alone writes.
            if connection.features.has_select_for_no_key_update:
                cursor.execute(_LOCK_PICTURE, [picture.pk])
            cursor.execute(_FIND_NAMES, [picture.pk])
            there = dict(cursor.fetchall())
            size = sum(_name_files(cursor, each) for each in made if not there.get(each.id, "gone"))
        count_bytes(picture.owner_id, Column.THUMBNAILS, size)
        claims.end_beside(picture.pk)
        invalidate(picture.owner_id)
    gone = [key for each in made if each.id not in there for key in each.files]
    if gone:
        picture_storage.delete_many(gone)


def _name_files(cursor: CursorWrapper, made: _Made) -> int:
    """Name the files in their thumbnail's row; return their bytes."""
    found = {path.suffix: (key, path.stat().st_size) for key, path in made.files.items()}
    webp, avif = (found.get(suffix, ("", 0)) for suffix in (".webp", ".avif"))
    if webp[1]:
        cursor.execute(_NAME_FILES, [*webp, *avif, made.id])
    return webp[1] + avif[1]
