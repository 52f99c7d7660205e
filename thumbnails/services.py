"""Render thumbnails that are missing, delete those that the tier no longer grants."""

import logging
from dataclasses import asdict
from pathlib import Path
from tempfile import NamedTemporaryFile

from django.db import transaction

from images.caching import invalidate
from images.exceptions import PictureTooCostly
from images.models import Picture
from images.pixels import taken
from images.sandbox.work_dir import temporary_dir
from images.services import lock_picture
from images.storage.base import picture_storage
from images.storage.keys import copy_key, webp_beside
from images.storage.outages import is_outage
from images.storage.transactions import stored_files
from thumbnails import claims
from thumbnails.backfills import count_thumbnails
from thumbnails.deletion import delete_thumbnails
from thumbnails.metrics import RENDER_SECONDS
from thumbnails.models import Thumbnail
from thumbnails.renderings import Placeholder, RenderedFile, RenderingFailed, Renderings
from thumbnails.sandbox_work import render_pixels, render_thumbnails
from thumbnails.signals import thumbnails_ready
from tiers.services import heights_of

logger = logging.getLogger(__name__)
MAX_THUMBNAIL_BYTES = 8 * 1024**2


def ensure_thumbnails(picture_id: int) -> bool:
    """Make one picture's thumbnails match its owner's tier.

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


def missing_heights(picture: Picture) -> list[int]:
    """Return the granted heights (pixels) without a thumbnail, largest first.

    A stale thumbnail, or one of another quality than the tier's, counts as missing.
    """
    tier = picture.owner.tier
    fresh = picture.thumbnails.filter(is_stale=False, quality=tier.quality)
    return sorted(heights_of(tier) - set(fresh.values_list("height", flat=True)), reverse=True)


def _render_missing_thumbnails(picture: Picture) -> bool:
    """Render what is missing, store the files, then all rows in one transaction.

    Return whether the picture is ready. Raise Picture.DoesNotExist, and leave no file, when it was
    deleted meanwhile.
    """
    with temporary_dir() as folder:
        made = _render(picture, Path(folder))
        rows = [_thumbnail_row(picture, each) for each in made.thumbnails]
        files = _files_by_key(rows, made.thumbnails)
        with stored_files(files):
            return _store_rows(picture, rows, made.placeholder)


def _render(picture: Picture, folder: Path) -> Renderings:
    """Render the missing heights, or only placeholders for a picture that has none."""
    heights = missing_heights(picture)
    if not heights and picture.thumbhash:
        return Renderings([], None)
    with RENDER_SECONDS.time():
        made = _render_pixels(picture, heights, folder) or _render_original(
            picture, heights, folder
        )
    logger.info("picture %s: %s thumbnails", picture.pk, len(made.thumbnails))
    return made


def _render_pixels(picture: Picture, heights: list[int], folder: Path) -> Renderings | None:
    """Render from what the check of the upload left; None where that is not enough, or fails."""
    with taken(picture.uid) as pixels:
        if pixels is None or not heights or not pixels.shape.suffices(heights[0]):
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


def _thumbnail_row(picture: Picture, rendered: RenderedFile) -> Thumbnail:
    """Return the unsaved row of a thumbnail."""
    has_webp = rendered.webp is not None
    mark, extension = str(rendered.height), rendered.extension
    key = copy_key(picture.key, mark, extension, has_webp=has_webp)
    return Thumbnail(
        picture=picture,
        owner_id=picture.owner_id,
        height=rendered.height,
        width_px=rendered.width_px,
        height_px=rendered.height_px,
        key=key,
        content_type=rendered.content_type,
        bytes=rendered.bytes,
        webp_key=webp_beside(key) or "",
        webp_bytes=rendered.webp_bytes,
        quality=picture.owner.tier.quality,
    )


def _files_by_key(rows: list[Thumbnail], rendered: list[RenderedFile]) -> dict[str, Path]:
    pairs = list(zip(rows, rendered, strict=True))
    usual = {row.key: each.path for row, each in pairs}
    return usual | {row.webp_key: each.webp for row, each in pairs if each.webp}


def _store_rows(picture: Picture, rows: list[Thumbnail], placeholder: Placeholder | None) -> bool:
    # The lock makes a deletion wait for the rows, so that it deletes them with the picture.
    lock_picture(picture.pk)
    removed = _delete_unwanted(picture, replaced=[row.height for row in rows])
    Thumbnail.objects.bulk_create(rows)
    found = asdict(placeholder) if placeholder else {}
    is_ready = claims.mark_rendered(picture, **found)
    if picture.render_backfill:
        count_thumbnails(picture.render_backfill, made=len(rows), removed=removed)
    if is_ready:
        picture.rendering = Picture.Rendering.READY
        thumbnails_ready.send(sender=Picture, picture=picture)
    invalidate(picture.owner_id)
    return is_ready


def _delete_unwanted(picture: Picture, *, replaced: list[int]) -> int:
    """Delete what the tier no longer grants and what is replaced; files follow on commit.

    Return how many the tier no longer grants.
    """
    granted = heights_of(picture.owner.tier)
    there = list(picture.thumbnails.all())
    gone = [each for each in there if each.height not in granted]
    delete_thumbnails([*gone, *(each for each in there if each.height in granted & {*replaced})])
    return len(gone)


def _count_failure(picture: Picture, error: Exception) -> None:
    reason = "Its file is missing." if isinstance(error, FileNotFoundError) else str(error)
    logger.warning("picture %s, attempt %s: %s", picture.pk, picture.render_attempts, reason)
    claims.count_failure(picture, reason)


@transaction.atomic
def delete_thumbnail(thumbnail: Thumbnail) -> None:
    """Delete one thumbnail; it is rendered again when its picture's are requested again."""
    thumbnail.delete()
    invalidate(thumbnail.owner_id)
