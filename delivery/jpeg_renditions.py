"""Whole pictures as JPEG, fit to a width: rendered on first request, kept with the picture."""

from pathlib import Path

from django.db import IntegrityError

from accounts.models import User
from delivery.access import rendering_source_for
from images.exceptions import NotRenderable, PictureTooCostly
from images.models import Picture
from images.sandbox.pool import run_sandboxed
from images.sandbox.work_dir import temporary_dir
from images.services import lock_picture
from images.storage.base import picture_storage
from images.storage.keys import copy_key
from images.storage.transactions import committed_with, save_all
from thumbnails.models import Rendition
from thumbnails.renderings import RenderingFailed
from thumbnails.sandbox_work import render_jpeg

JPEG = "image/jpeg"
FULL_WIDTH = 0


def jpeg_key(viewer: User | None, picture: Picture, width: int | None) -> str:
    """Return the key of a JPEG of what a viewer may see of a picture, at most so wide (pixels).

    Raises Picture.DoesNotExist, NotReady, and NotRenderable for a picture that was set aside.
    """
    source = rendering_source_for(viewer, picture)
    wanted = {"picture": picture, "width": width or FULL_WIDTH, "source_key": source}
    found = Rendition.objects.filter(**wanted).values_list("key", flat=True).first()
    return found or _made(picture, width, source)


def _made(picture: Picture, width: int | None, source: str) -> str:
    with temporary_dir() as folder:
        target = Path(folder) / "rendition.jpg"
        try:
            run_sandboxed(
                render_jpeg, picture_storage.copy_to(source, Path(folder)), target, width=width
            )
        except (RenderingFailed, PictureTooCostly) as error:
            raise NotRenderable from error
        key = copy_key(picture.key, f"w{width or FULL_WIDTH}", "jpg")
        save_all({key: target})
    return _kept(Rendition(picture=picture, width=width or FULL_WIDTH, source_key=source, key=key))


def _kept(rendition: Rendition) -> str:
    """Keep a row, or the one that another request kept first; the file without a row goes."""
    try:
        with committed_with(rendition.key):
            lock_picture(rendition.picture_id)
            rendition.save(force_insert=True)
    except IntegrityError:
        same = {"width": rendition.width, "source_key": rendition.source_key}
        return Rendition.objects.get(picture=rendition.picture_id, **same).key
    return rendition.key
