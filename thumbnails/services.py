"""Render thumbnails that are missing, delete those that the tier no longer grants."""

import logging
import time
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path
from tempfile import NamedTemporaryFile

from django.db import connection, transaction

from images.caching import invalidate
from images.exceptions import PictureTooCostly
from images.ledger import insert_rows
from images.models import Picture
from images.pixels import Pixels, taken
from images.sandbox.work_dir import temporary_dir
from images.storage.base import picture_storage
from images.storage.keys import copy_key, key_before_beside, keys_beside
from images.storage.outages import is_outage
from images.storage.transactions import stored_files
from lib.compiled_insert import CompiledInsert
from thumbnails import claims
from thumbnails.backfills import count_thumbnails
from thumbnails.deletion import delete_thumbnails
from thumbnails.kept_pixels import kept_pixels
from thumbnails.metrics import RENDER_SECONDS
from thumbnails.models import Thumbnail
from thumbnails.pace import pace_meter
from thumbnails.renderings import RenderedFile, RenderingFailed, Renderings
from thumbnails.sandbox_work import render_pixels, render_thumbnails
from thumbnails.signals import thumbnails_ready

logger = logging.getLogger(__name__)
MAX_THUMBNAIL_BYTES = 8 * 1024**2
_thumbnails = CompiledInsert(Thumbnail)
# Most pictures that are rendered have none, which is told sooner than loading them.
_HAS_THUMBNAILS = "select 1 from thumbnails_thumbnail where picture_id = %s limit 1"
# Written out, since Django takes longer to compile it than a database to run it.
_HEIGHTS = """
    select granted.height, fresh.id is not null
    from tiers_tierheight granted
    left join thumbnails_thumbnail fresh on fresh.picture_id = %s
        and fresh.height = granted.height and not fresh.is_stale and fresh.quality = %s
    where granted.tier_id = %s
    order by granted.height desc
"""


def ensure_thumbnails(picture_id: int) -> bool:
    """Make one picture's thumbnails match its owner's tier.

    What lies beside them in smaller formats may be left to `thumbnails.smaller_formats`.
    It may run twice, late, in parallel or after a crash: it renders only what is missing, from one
    decode. Return whether the picture should be enqueued again, because thumbnails were requested
    while it rendered.
    """
    picture = claims.claim(picture_id)
    if picture is None:
        return False
    try:
        with claims.renewed_lease(picture):
            return not _render_missing_thumbnails(picture)
    except Picture.DoesNotExist:
        return False
    except (RenderingFailed, PictureTooCostly, FileNotFoundError) as error:
        _count_failure(picture, error)
        return False
    except Exception as error:
        if not is_outage(error):
            raise
        logger.warning("picture %s waits for a part that is unavailable: %r", picture.pk, error)
        claims.return_attempt(picture)
        return False


def find_heights(picture: Picture) -> dict[int, bool]:
    """Return the granted heights (pixels), largest first, and whether a thumbnail is there.

    One that is stale, or of another quality than the tier's, does not count. One query.
    """
    tier = picture.owner.tier
    with connection.cursor() as cursor:
        cursor.execute(_HEIGHTS, [picture.pk, tier.quality, tier.pk])
        return {height: bool(is_there) for height, is_there in cursor.fetchall()}


def _render_missing_thumbnails(picture: Picture) -> bool:
    """Render what is missing, store the files, then all rows in one transaction.

    Return whether the picture is ready. Raise Picture.DoesNotExist, and leave no file, when it was
    deleted meanwhile.
    """
    granted = find_heights(picture)
    missing = [height for height, is_there in granted.items() if not is_there]
    with temporary_dir() as folder, taken(picture.uid) as pixels:
        began = time.monotonic()
        made = _render(picture, missing, Path(folder), pixels)
        rows = [_thumbnail_row(picture, each, made) for each in made.thumbnails]
        files = _files_by_key(rows, made.thumbnails)
        with stored_files(files):
            is_ready = _store_rows(picture, granted, rows, made)
        if made.lacks_beside and pixels:
            kept_pixels.keep(picture.pk, pixels)
    if rows:
        pace_meter.add(len(rows), time.monotonic() - began)
    return is_ready


def _render(
    picture: Picture, heights: list[int], folder: Path, pixels: Pixels | None
) -> Renderings:
    """Render the missing heights, or only placeholders for a picture that has none."""
    if not heights and picture.thumbhash:
        return Renderings([], None)
    with RENDER_SECONDS.time():
        made = pixels and _render_pixels(picture, heights, folder, pixels)
        made = made or _render_original(picture, heights, folder)
    logger.info("picture %s: %s thumbnails", picture.pk, len(made.thumbnails))
    return made


def _render_pixels(
    picture: Picture, heights: list[int], folder: Path, pixels: Pixels
) -> Renderings | None:
    """Render from what the check of the upload left; None where that is not enough, or fails."""
    if not heights or not pixels.shape.suffices(heights[0]):
        return None
    try:
        return render_pixels(pixels, heights, folder, quality=picture.owner.tier.quality)
    except (RenderingFailed, PictureTooCostly) as error:
        logger.warning("picture %s is decoded anew: %s", picture.pk, error)
        for file in folder.iterdir():
            file.unlink()
        return None


def _render_original(picture: Picture, heights: list[int], folder: Path) -> Renderings:
    source, quality = picture_storage.copy_to(picture.key, folder), picture.owner.tier.quality
    try:
        return render_thumbnails(source, heights, folder, quality=quality)
    except RenderingFailed:
        _raise_if_disk_is_full(folder)
        raise


def _raise_if_disk_is_full(folder: Path) -> None:
    """Raise OSError when a rendering failed for lack of disk space, not because of its picture."""
    with NamedTemporaryFile(dir=folder) as probe:
        probe.write(bytes(MAX_THUMBNAIL_BYTES))
        probe.flush()


def _thumbnail_row(picture: Picture, rendered: RenderedFile, made: Renderings) -> Thumbnail:
    """Return the unsaved row of a thumbnail."""
    mark, extension = str(rendered.height), rendered.extension
    if made.lacks_beside:
        key, beside = key_before_beside(picture.key, mark, extension), {}
    else:
        key = copy_key(picture.key, mark, extension, beside=tuple(rendered.beside))
        beside = keys_beside(key)
    return Thumbnail(
        picture=picture,
        owner_id=picture.owner_id,
        height=rendered.height,
        width_px=rendered.width_px,
        height_px=rendered.height_px,
        key=key,
        content_type=rendered.content_type,
        bytes=rendered.bytes,
        webp_key=beside.get("webp", ""),
        webp_bytes=rendered.webp_bytes,
        avif_key=beside.get("avif", ""),
        avif_bytes=rendered.avif_bytes,
        quality=picture.owner.tier.quality,
    )


def _files_by_key(rows: list[Thumbnail], rendered: list[RenderedFile]) -> dict[str, Path]:
    files = {}
    for row, each in zip(rows, rendered, strict=True):
        files[row.key] = each.path
        keys = keys_beside(row.key)
        files |= {keys[extension]: path for extension, path in each.beside.items()}
    return files


def _store_rows(
    picture: Picture,
    granted: Collection[int],
    rows: list[Thumbnail],
    made: Renderings,
) -> bool:
    found = asdict(made.placeholder) if made.placeholder else {}
    # First of all: its lock makes a deletion wait for the rows, so that it deletes them too.
    is_ready = claims.mark_rendered(picture, lacks_beside=made.lacks_beside, **found)
    removed, dropped = _delete_unwanted(picture, granted, replaced=[row.height for row in rows])
    if rows:
        insert_rows(_thumbnails, rows)
    if picture.render_backfill:
        count_thumbnails(picture.render_backfill, made=rows, removed=removed, dropped=dropped)
    if is_ready:
        picture.rendering = Picture.Rendering.READY
        thumbnails_ready.send(sender=Picture, picture=picture)
    invalidate(picture.owner_id)
    return is_ready


def _delete_unwanted(
    picture: Picture, granted: Collection[int], *, replaced: list[int]
) -> tuple[list[Thumbnail], list[Thumbnail]]:
    """Delete what the tier no longer grants and what is replaced; files follow on commit.

    Return those that the tier no longer grants, and all that are deleted.
    """
    with connection.cursor() as cursor:
        cursor.execute(_HAS_THUMBNAILS, [picture.pk])
        if cursor.fetchone() is None:
            return [], []
    there = list(picture.thumbnails.all())
    gone = [each for each in there if each.height not in granted]
    # Only what is granted is rendered, so that none is both.
    dropped = [*gone, *(each for each in there if each.height in replaced)]
    delete_thumbnails(dropped)
    return gone, dropped


def _count_failure(picture: Picture, error: Exception) -> None:
    reason = "Its file is missing." if isinstance(error, FileNotFoundError) else str(error)
    logger.warning("picture %s cannot be rendered: %s", picture.pk, reason)
    claims.count_failure(picture, reason)


@transaction.atomic
def delete_thumbnail(thumbnail: Thumbnail) -> None:
    """Delete one thumbnail; it is rendered again when its picture's are requested again."""
    picture = Picture.objects.filter(pk=thumbnail.picture_id)
    list(picture.select_for_update(no_key=True).values_list("pk"))
    # With what was stored beside it since it was loaded.
    thumbnail.refresh_from_db()
    thumbnail.delete()
    invalidate(thumbnail.owner_id)
