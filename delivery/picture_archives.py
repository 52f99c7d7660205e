"""Archives of pictures: the bytes that their owner, or staff, would get of each."""

from collections.abc import Iterable, Iterator
from typing import Any

from accounts.models import User
from delivery.access import grants_original, in_format_of
from delivery.archives import Member, UniqueNames, file_member
from images.models import Picture, PictureQuerySet
from images.storage.base import picture_storage
from lib.keyset import Cursor, rows_after
from thumbnails.models import Thumbnail

_BATCH_SIZE = 200
_COLUMNS = ("id", "key", "name", "created_at", "owner_id")
_LEFT_OUT = "left-out.txt"
Row = dict[str, Any]


def own_picture_rows(owner: User) -> Iterator[Row]:
    """Yield what `picture_members` reads of all of an account's pictures, the oldest first."""
    cursor = None
    while True:
        own = rows_after(cursor, Picture.objects.owned_by(owner), oldest_first=True)
        rows = list(own.values(*_COLUMNS)[:_BATCH_SIZE])
        yield from rows
        if len(rows) < _BATCH_SIZE:
            return
        cursor = Cursor(rows[-1]["created_at"], rows[-1]["id"])


def find_picture_rows(pictures: PictureQuerySet, ids: list[int]) -> list[Row]:
    """Return rows in the order of their ids; raise Picture.DoesNotExist where one is missing."""
    found = {row["id"]: row for row in pictures.filter(pk__in=ids).values(*_COLUMNS)}
    if not found.keys() >= set(ids):
        raise Picture.DoesNotExist
    return [found[each] for each in ids]


def picture_members(
    viewer: User, rows: Iterable[Row], *, names: UniqueNames | None = None
) -> Iterator[Member]:
    """Yield a member for each picture: the original as uploaded, under the uploader's name.

    Where the viewer's tier grants no originals, it is the best thumbnail. `viewer` must be allowed
    to change all of the pictures. What cannot be had, since it was deleted meanwhile or has no
    thumbnail yet, is named by a last member.
    """
    names = names or UniqueNames()
    left_out: list[str] = []
    is_granted = grants_original(viewer, viewer)
    for batch in _batches(rows):
        others = {row["id"] for row in batch if row["owner_id"] != viewer.pk}
        best = {} if is_granted else _best_thumbnails(viewer, [row["id"] for row in batch])
        for row in batch:
            is_original = is_granted or row["id"] in others
            key = row["key"] if is_original else best.get(row["id"], "")
            name = row["name"] or row["key"].rpartition("/")[2]
            try:
                file = picture_storage.open(key) if key else None
            except FileNotFoundError:
                file = None
            if file is None:
                left_out.append(f"{row['id']}\t{name}\n")
                continue
            shown = name if is_original else in_format_of(name, key)
            yield file_member(names.claim(shown, row["id"]), file)
    if left_out:
        text = "Not in this archive: deleted meanwhile, or without a thumbnail yet.\n\n"
        yield Member(names.claim(_LEFT_OUT, 2), (text + "".join(left_out)).encode())


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH_SIZE:
            yield batch
            batch = []
    if batch:
        yield batch


def _best_thumbnails(owner: User, picture_ids: list[int]) -> dict[int, str]:
    own = Thumbnail.objects.filter(picture__in=picture_ids).order_by("height")
    keys = dict(own.granted_to(owner).values_list("picture_id", "key"))
    if len(keys) < len(set(picture_ids)):
        keys = dict(own.standing_in_for(owner).values_list("picture_id", "key")) | keys
    return keys
