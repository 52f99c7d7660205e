"""JPEGs of whole pictures, fit to a width: rendered on first request, then stored."""

from pathlib import Path

from django.db import IntegrityError

from images.exceptions import NotRenderable, PictureTooCostly
from images.models import Picture
from images.sandbox.work_dir import temporary_dir
from images.services import lock_picture
from images.storage.base import picture_storage
from images.storage.keys import copy_key
from images.storage.transactions import stored_files
from thumbnails.models import Rendition
from thumbnails.renderings import RenderingFailed
from thumbnails.sandbox_work import render_jpeg

JPEG = "image/jpeg"
FULL_WIDTH = 0


def rendition_key(picture: Picture, source_key: str, width: int | None) -> str:
    """Return the key of a JPEG of one of a picture's files, at most `width` pixels wide.

    Raise Picture.DoesNotExist, and NotRenderable when the file cannot be decoded.
    """
    same = {"picture": picture, "width": width or FULL_WIDTH, "source_key": source_key}
    existing = Rendition.objects.filter(**same).values_list("key", flat=True).first()
    return existing or _render(Rendition(**same), width)


def _render(rendition: Rendition, width: int | None) -> str:
    with temporary_dir() as folder:
        source = picture_storage.copy_to(rendition.source_key, Path(folder))
        target = Path(folder) / "rendition.jpg"
        try:
            render_jpeg(source, target, width=width)
        except (RenderingFailed, PictureTooCostly) as error:
            raise NotRenderable from error
        rendition.key = copy_key(rendition.picture.key, f"w{rendition.width}", "jpg")
        rendition.bytes = target.stat().st_size
        return _store(rendition, target)


def _store(rendition: Rendition, file: Path) -> str:
    """Store a row with its file; return its key, or that of another request that was first."""
    try:
        with stored_files({rendition.key: file}):
            lock_picture(rendition.picture_id)
            rendition.save(force_insert=True)
    except IntegrityError:
        same = {"width": rendition.width, "source_key": rendition.source_key}
        return Rendition.objects.get(picture=rendition.picture_id, **same).key
    return rendition.key
