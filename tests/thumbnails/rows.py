"""What tests of thumbnails read from rows and signals."""

from django.dispatch import Signal

from images.models import Picture
from thumbnails.claims import MAX_ATTEMPTS
from thumbnails.models import RenderClaim, Thumbnail


def keys(*pictures: Picture) -> set[str]:
    """Return the keys of all thumbnail files of some pictures."""
    return {key for row in Thumbnail.objects.filter(picture__in=pictures) for key in row.keys}


def heights(picture: Picture) -> list[int]:
    return sorted(picture.thumbnails.values_list("height", flat=True))


def state(picture: Picture) -> str:
    picture.refresh_from_db()
    return picture.rendering


def record_signal(signal: Signal) -> list[int]:
    sent = []
    signal.connect(lambda picture, **kwargs: sent.append(picture.pk), weak=False)
    return sent


def use_up_attempts(picture: Picture) -> None:
    """Let a picture be pending that stopped its renderer each time it was tried."""
    Picture.objects.filter(pk=picture.pk).update(rendering=Picture.Rendering.PENDING)
    RenderClaim.objects.update_or_create(pk=picture.pk, defaults={"attempts": MAX_ATTEMPTS})
