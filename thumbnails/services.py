"""Make the thumbnails that are missing, remove those that nobody wants any more."""

import logging
from pathlib import Path

from django.db import transaction

from images import storage
from images.caching import forget
from images.models import Picture
from images.sandbox import PictureKilledDecoder, confined, temporary_folder
from thumbnails import claims
from thumbnails.models import Thumbnail
from thumbnails.rendering import Rendered, RenderingFailed, render
from thumbnails.signals import thumbnails_ready
from tiers.services import heights_of

logger = logging.getLogger(__name__)


def ensure_thumbnails(picture_id: int) -> bool:
    """Bring one picture's thumbnails to what its owner's tier grants.

    May run twice, late, beside another or after a crash: only what is missing is made, from one
    decode. Returns whether the wish changed meanwhile: then the picture should be asked for again.
    """
    picture = claims.claim(picture_id)
    if picture is None:
        return False
    try:
        return not _fulfilled(picture)
    except Picture.DoesNotExist:
        return False
    except (RenderingFailed, PictureKilledDecoder, FileNotFoundError) as error:
        _count_failure(picture, error)
        return False


def missing_heights(picture: Picture) -> list[int]:
    """Return the heights (pixels) that are granted and not there or stale, largest first."""
    fresh = set(picture.thumbnails.filter(is_stale=False).values_list("height", flat=True))
    return sorted(heights_of(picture.owner.tier) - fresh, reverse=True)


def _fulfilled(picture: Picture) -> bool:
    """Render what is missing, write the files, then the rows, all of them in one commit.

    Raises Picture.DoesNotExist, and leaves no file, when the picture was deleted meanwhile.
    """
    heights = missing_heights(picture)
    with temporary_folder() as folder:
        rendered = _rendered(picture, heights, Path(folder)) if heights else []
        keys = [_stored(picture, each) for each in rendered]
    try:
        return _committed(picture, rendered, keys)
    except BaseException:
        storage.delete_all(keys)
        raise


def _rendered(picture: Picture, heights: list[int], folder: Path) -> list[Rendered]:
    return confined(render, storage.bring(picture.key, folder), heights, folder)


def _stored(picture: Picture, rendered: Rendered) -> str:
    key = storage.copy_key(picture.key, str(rendered.height), rendered.extension)
    storage.save(key, rendered.path)
    return key


@transaction.atomic
def _committed(picture: Picture, rendered: list[Rendered], keys: list[str]) -> bool:
    # The lock holds a deletion off until the rows are there, and they go with the picture.
    Picture.objects.select_for_update().only("pk").get(pk=picture.pk)
    _remove_unwanted(picture, replaced=[each.height for each in rendered])
    Thumbnail.objects.bulk_create(
        _row(picture, each, key) for each, key in zip(rendered, keys, strict=True)
    )
    fulfilled = claims.release(picture, ready=True)
    if fulfilled:
        picture.rendering = Picture.Rendering.READY
        thumbnails_ready.send(sender=Picture, picture=picture)
    forget(picture.owner_id)
    return fulfilled


def _row(picture: Picture, rendered: Rendered, key: str) -> Thumbnail:
    return Thumbnail(
        picture=picture,
        owner_id=picture.owner_id,
        height=rendered.height,
        width_px=rendered.width_px,
        height_px=rendered.height_px,
        key=key,
        content_type=rendered.content_type,
        bytes=rendered.bytes,
    )


def _remove_unwanted(picture: Picture, *, replaced: list[int]) -> None:
    """Remove what the tier no longer grants and what is replaced now; files follow on commit."""
    picture.thumbnails.exclude(height__in=heights_of(picture.owner.tier)).delete()
    picture.thumbnails.filter(height__in=replaced).delete()


def _count_failure(picture: Picture, error: Exception) -> None:
    """Set a picture aside at its last attempt, else leave it to be asked for again."""
    reason = "Its file is missing." if isinstance(error, FileNotFoundError) else str(error)
    logger.warning("picture %s, attempt %s: %s", picture.pk, picture.render_attempts, reason)
    if picture.render_attempts >= claims.MOST_ATTEMPTS:
        claims.set_aside(picture, reason)
    else:
        claims.release(picture, ready=False)


@transaction.atomic
def delete_thumbnail(thumbnail: Thumbnail) -> None:
    """Remove one thumbnail; it is made again only when its picture's are wanted again."""
    thumbnail.delete()
    forget(thumbnail.owner_id)
