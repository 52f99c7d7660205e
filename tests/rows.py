"""Rows of pictures without a file, for tests that only read and write the database."""

import uuid
from typing import Any

from accounts.models import User
from images.models import Picture
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
