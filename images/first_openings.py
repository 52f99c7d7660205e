"""The first opening of a link: counted by itself, so that its owner is told of it exactly once.

Whoever counts one locks the picture before the link, as whoever deletes pictures does: the event
that follows locks the account's feed, and nobody waits in a circle.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from images.models import Link, Picture
from images.services import lock_picture
from images.signals import link_first_opened, links_opened


def unopened_among(link_ids: Sequence[int]) -> list[tuple[int, int]]:
    """Return those links, with their pictures, that nobody had opened a moment ago."""
    return list(Link.objects.filter(pk__in=link_ids, opened=0).values_list("pk", "picture_id"))


@transaction.atomic
def count_first(link_id: int, picture_id: int, *, count: int, at: datetime) -> bool:
    """Count the openings of a link that nobody has opened yet, and send `link_first_opened`.

    Return False, with nothing counted, where somebody was faster, or the link is gone.
    """
    try:
        picture = lock_picture(picture_id)
    except Picture.DoesNotExist:
        return False
    unopened = Link.objects.filter(pk=link_id, opened=0)
    if not unopened.update(opened=count, last_opened_at=at):
        return False
    announce_first_opening(link_id, picture)
    links_opened.send(sender=Link, count=count, at=at)
    return True


def announce_first_opening(link_id: int, picture: Picture) -> None:
    """Send the signal; the caller holds the picture's lock and has counted the opening."""
    link_first_opened.send(sender=Link, link_id=link_id, picture=picture)
