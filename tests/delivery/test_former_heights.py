"""A tier's height is replaced: until a picture has its turn, the former thumbnail stands in."""

import io
import zipfile

import pytest
from PIL import Image
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import User
from delivery.access import file_for
from images.exceptions import NotRenderable
from images.links import make_link
from images.models import Picture
from images.storage.base import picture_storage
from tests.clients import Client
from tests.factories import make_picture, make_tier, make_user, token_client
from tests.pictures import jpeg
from thumbnails import tasks
from thumbnails.models import Thumbnail
from tiers.models import Tier
from tiers.services import set_heights

pytestmark = pytest.mark.django_db


@pytest.fixture
def poster() -> Tier:
    return make_tier("Poster", [200], grants_links=True)


@pytest.fixture
def carol(poster: Tier) -> User:
    return make_user("carol", poster.name)


@pytest.fixture
def picture(
    carol: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> Picture:
    with django_capture_on_commit_callbacks(execute=True):
        return make_picture(carol, jpeg(900, 600))


def height_of(picture: Picture) -> int:
    """Return the height of what the owner gets, in pixels."""
    picture = Picture.objects.select_related("owner__tier").get(pk=picture.pk)
    with picture_storage.open(file_for(picture.owner, picture).key) as file:
        return Image.open(io.BytesIO(file.read())).height


def test_a_replaced_height_is_served_until_the_new_one_is_there(
    picture: Picture, carol: User, poster: Tier
) -> None:
    link, _ = make_link(maker=carol, picture=picture, seconds=300)
    set_heights(tier=poster, heights=[300])
    assert height_of(picture) == 200
    client = token_client(carol)
    opened = Client().get(client.get(f"/api/user/links/{link.pk}/").json()["url"])
    assert Image.open(io.BytesIO(opened.getvalue())).height == 200
    archive = zipfile.ZipFile(io.BytesIO(client.get("/api/user/images/archive/").getvalue()))
    [name] = archive.namelist()
    assert Image.open(archive.open(name)).height == 200
    # Lists have what the tier grants alone, as their contract says.
    [row] = client.get("/api/user/images/?fields=thumbnails").json()
    assert row["thumbnails"] == client.get("/api/user/thumbnails/").json() == []
    tasks.backfill()
    assert height_of(picture) == 300
    assert list(Thumbnail.objects.values_list("height", flat=True)) == [300]


@pytest.mark.parametrize("heights", [[100], []])
def test_never_more_than_the_tier_grants(
    picture: Picture, poster: Tier, heights: list[int]
) -> None:
    set_heights(tier=poster, heights=heights)
    with pytest.raises(NotRenderable):
        height_of(picture)


def test_a_height_that_stays_comes_before_one_that_is_gone(
    picture: Picture, carol: User, poster: Tier
) -> None:
    set_heights(tier=poster, heights=[100, 200])
    tasks.backfill()
    set_heights(tier=poster, heights=[100, 300])
    assert height_of(picture) == 100
