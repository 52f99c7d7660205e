"""What a storage that is away leaves as it was, whichever kind of storage it is."""

from io import BytesIO

from images.models import Picture
from tests.clients import Client
from tests.pictures import png
from thumbnails.models import RenderClaim
from thumbnails.services import ensure_thumbnails


def assert_put_off(client: Client, picture: Picture) -> None:
    """Upload and read, and be asked to come back; the one picture there is stays as it was."""
    client.raise_request_exception = False
    upload = client.post("/api/user/images/", {"image": BytesIO(png(30, 20))})
    read = client.get(f"/images/{picture.key}")
    for answer in (upload, read):
        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert list(Picture.objects.all()) == [picture]


def assert_no_attempt_is_counted(picture: Picture) -> None:
    """Render in vain; the picture goes on waiting."""
    ensure_thumbnails(picture.pk)
    picture.refresh_from_db()
    claim = RenderClaim.objects.get(pk=picture.pk)
    assert (claim.attempts, claim.failures) == (0, 0)
    assert picture.rendering == Picture.Rendering.PENDING
