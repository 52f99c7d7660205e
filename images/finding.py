"""Pictures by what names them, with owner and tier: one query, whose SQL is written once."""

from images.models import Picture
from lib.compiled_query import RowBy

picture_by_uid = RowBy(Picture.objects.with_owner, "uid")
picture_by_key = RowBy(Picture.objects.with_owner, "key")
