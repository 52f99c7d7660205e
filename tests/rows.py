"""Rows of pictures without a file, for tests that only read and write the database."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.models import User
from images.models import Picture
from images.storage.keys import original_key
from thumbnails.models import Thumbnail


def make_row(owner: User, **fields: Any) -> Picture:
    """Make a picture's row, as an upload writes it."""
    uid = uuid.uuid4()
    facts = {"format": "PNG", "width": 900, "height": 600, "bytes": 1000, "sha256": uid.hex * 2}
    return Picture.objects.create(
        uid=uid, owner=owner, key=f"users/{owner.pk}/{uid}.png", **(facts | fields)
    )


def make_thumbnail_row(picture: Picture, height: int = 200, **fields: Any) -> Thumbnail:
    facts = {"width_px": height * 3 // 2, "height_px": height, "bytes": 100, "quality": 80}
    return Thumbnail.objects.create(
        picture=picture,
        owner_id=picture.owner_id,
        height=height,
        key=f"users/{picture.owner_id}/{picture.uid}_{height}-{uuid.uuid4().hex[:8]}.png",
        content_type="image/png",
        **(facts | fields),
    )


def write_pictures(
    owner: User, count: int, *, heights: Sequence[int] = (), quality: int = 80
) -> list[int]:
    """Write pictures that are ready, with thumbnails of some heights; return their ids in order."""
    began = timezone.now() - timedelta(days=1)
    pictures = Picture.objects.bulk_create(
        Picture(
            uid=(uid := uuid.uuid4()),
            owner=owner,
            key=original_key(owner.pk, uid, "jpg"),
            format="JPEG",
            width=900,
            height=600,
            bytes=1000,
            sha256="0" * 64,
            rendering=Picture.Rendering.READY,
            thumbhash="AAAAAAA=",
            created_at=began + timedelta(seconds=number),
        )
        for number in range(count)
    )
    Thumbnail.objects.bulk_create(
        Thumbnail(
            picture=picture,
            owner=owner,
            height=height,
            width_px=height,
            height_px=height,
            key=f"{picture.key}_{height}.jpg",
            webp_key=f"{picture.key}_{height}.webp",
            avif_key=f"{picture.key}_{height}.avif",
            content_type="image/jpeg",
            bytes=100,
            webp_bytes=50,
            avif_bytes=40,
            quality=quality,
        )
        for picture in pictures
        for height in heights
    )
    return [each.pk for each in pictures]
