"""Who renders a picture now: one worker at a time, at most three attempts, nothing forgotten.

The row is the truth and the message only a hint. An attempt is counted before it starts, so that a
picture that kills its worker is set aside instead of looping; a lease ends by itself, so that a
dead worker's picture is asked for again; a revision shows a worker that the wish has changed.
"""

from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from images.caching import forget
from images.models import Picture
from thumbnails.signals import thumbnails_failed

MOST_ATTEMPTS = 3
# A rendering ends within the worker's time limit; later its worker is dead.
LEASE = timedelta(seconds=130)
ASK_AGAIN = timedelta(seconds=60)
LONGEST_REASON = 200
KILLER = "It stopped the renderer each time it was tried."


def claim(picture_id: int) -> Picture | None:
    """Take a picture to render it, its owner and tier loaded; None where nothing is to be done.

    Sets the picture aside where its attempts are used up.
    """
    now = timezone.now()
    free = Q(render_leased_until=None) | Q(render_leased_until__lte=now)
    mine = Picture.objects.pending().filter(free, pk=picture_id)
    taken = mine.filter(render_attempts__lt=MOST_ATTEMPTS).update(
        render_attempts=F("render_attempts") + 1,
        render_leased_until=now + LEASE,
        render_ask_at=now + LEASE,
    )
    if taken:
        return Picture.objects.with_owner().filter(pk=picture_id).first()
    for picture in mine.filter(render_attempts__gte=MOST_ATTEMPTS):
        set_aside(picture, KILLER)
    return None


def release(picture: Picture, *, ready: bool, **found: str) -> bool:
    """Give a picture back, with the fields that were found while it was rendered.

    Returns whether its wish, unchanged meanwhile, is now fulfilled.
    """
    fields = {"render_leased_until": None, "render_ask_at": timezone.now(), **found}
    same_wish = Picture.objects.filter(pk=picture.pk, render_revision=picture.render_revision)
    if ready and same_wish.update(rendering=Picture.Rendering.READY, render_failure="", **fields):
        return True
    Picture.objects.filter(pk=picture.pk).update(**fields)
    return False


@transaction.atomic
def set_aside(picture: Picture, reason: str) -> None:
    """Give up on a picture until staff ask again; `reason` is for people."""
    given_up = (
        Picture.objects.pending()
        .filter(pk=picture.pk, render_revision=picture.render_revision)
        .update(
            rendering=Picture.Rendering.FAILED,
            render_failure=reason[:LONGEST_REASON],
            render_leased_until=None,
        )
    )
    if given_up:
        picture.rendering, picture.render_failure = Picture.Rendering.FAILED, reason
        thumbnails_failed.send(sender=Picture, picture=picture)
        forget(picture.owner_id)
