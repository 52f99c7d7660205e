"""Make the thumbnails that are missing, remove those that nobody wants any more."""

import logging
from dataclasses import asdict
from pathlib import Path
from tempfile import NamedTemporaryFile

from django.db import transaction

from images.caching import invalidate
from images.exceptions import PictureTooCostly
from images.models import Picture
from images.sandbox.pool import run_sandboxed
from images.sandbox.work_dir import temporary_dir
from images.services import lock_picture
from images.storage.base import picture_storage
from images.storage.keys import copy_key, webp_beside
from images.storage.outages import is_outage
from images.storage.transactions import committed_with, save_all
from thumbnails import claims
from thumbnails.metrics import RENDER_SECONDS
from thumbnails.models import Thumbnail
from thumbnails.renderings import Placeholder, RenderedFile, RenderingFailed, Renderings
from thumbnails.sandbox_work import render_thumbnails
from thumbnails.signals import thumbnails_ready
from tiers.services import heights_of

logger = logging.getLogger(__name__)
# No thumbnail is larger.
ROOM = 8 * 1024**2


def ensure_thumbnails(picture_id: int) -> bool:
    """Bring one picture's thumbnails to what its owner's tier grants.

    May run twice, late, beside another or after a crash: only what is missing is made, from one
    decode. Returns whether the wish changed meanwhile: then the picture should be asked for again.
    """
    picture = claims.claim(picture_id)
    if picture is None:
        return False
    try:
        with claims.held(picture):
            return not _fulfilled(picture)
    except Picture.DoesNotExist:
        return False
    except (RenderingFailed, PictureTooCostly, FileNotFoundError) as error:
        _count_failure(picture, error)
        return False
    except Exception as error:
        if not is_outage(error):
            raise
        logger.warning("picture %s waits: a part is away: %r", picture.pk, error)
        claims.give_back(picture)
        return False


def missing_heights(picture: Picture) -> list[int]:
    """Return the heights (pixels) that are granted and not there, largest first.

    A thumbnail of another quality than the tier's, or a stale one, counts as not there.
    """
    tier = picture.owner.tier
    fresh = picture.thumbnails.filter(is_stale=False, quality=tier.quality)
    return sorted(heights_of(tier) - set(fresh.values_list("height", flat=True)), reverse=True)


def _fulfilled(picture: Picture) -> bool:
    """Render what is missing, write the files, then the rows, all of them in one commit.

    Raises Picture.DoesNotExist, and leaves no file, when the picture was deleted meanwhile.
    """
    with temporary_dir() as folder:
        made = _made(picture, Path(folder))
        rows = [_row(picture, each) for each in made.thumbnails]
        files = _files(rows, made.thumbnails)
        save_all(files)
    with committed_with(*files):
        return _written(picture, rows, made.placeholder)


def _made(picture: Picture, folder: Path) -> Renderings:
    """Render what is missing; also the placeholder alone, of a picture that has none yet."""
    heights = missing_heights(picture)
    if not heights and picture.thumbhash:
        return Renderings([], None)
    source, quality = picture_storage.copy_to(picture.key, folder), picture.owner.tier.quality
    try:
        with RENDER_SECONDS.time():
            made = run_sandboxed(render_thumbnails, source, heights, folder, quality=quality)
    except RenderingFailed:
        _refuse_full_disk(folder)
        raise
    logger.info("picture %s: %s thumbnails", picture.pk, len(made.thumbnails))
    return made


def _refuse_full_disk(folder: Path) -> None:
    """Raise OSError where a rendering failed because there is no room for what it makes."""
    with NamedTemporaryFile(dir=folder) as probe:
        probe.write(bytes(ROOM))
        probe.flush()


def _row(picture: Picture, rendered: RenderedFile) -> Thumbnail:
    """Describe a thumbnail whose files are still to be stored."""
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


def _files(rows: list[Thumbnail], rendered: list[RenderedFile]) -> dict[str, Path]:
    """Pair keys with what is to be stored there."""
    pairs = list(zip(rows, rendered, strict=True))
    usual = {row.key: each.path for row, each in pairs}
    return usual | {row.webp_key: each.webp for row, each in pairs if each.webp}


def _written(picture: Picture, rows: list[Thumbnail], placeholder: Placeholder | None) -> bool:
    # The lock holds a deletion off until the rows are there, and they go with the picture.
    lock_picture(picture.pk)
    _remove_unwanted(picture, replaced=[row.height for row in rows])
    Thumbnail.objects.bulk_create(rows)
    found = asdict(placeholder) if placeholder else {}
    fulfilled = claims.release(picture, **found)
    if fulfilled:
        picture.rendering = Picture.Rendering.READY
        thumbnails_ready.send(sender=Picture, picture=picture)
    invalidate(picture.owner_id)
    return fulfilled


def _remove_unwanted(picture: Picture, *, replaced: list[int]) -> None:
    """Remove what the tier no longer grants and what is replaced now; files follow on commit."""
    picture.thumbnails.exclude(height__in=heights_of(picture.owner.tier)).delete()
    picture.thumbnails.filter(height__in=replaced).delete()


def _count_failure(picture: Picture, error: Exception) -> None:
    reason = "Its file is missing." if isinstance(error, FileNotFoundError) else str(error)
    logger.warning("picture %s, attempt %s: %s", picture.pk, picture.render_attempts, reason)
    claims.count_failure(picture, reason)


@transaction.atomic
def delete_thumbnail(thumbnail: Thumbnail) -> None:
    """Remove one thumbnail; it is made again only when its picture's are wanted again."""
    thumbnail.delete()
    invalidate(thumbnail.owner_id)
