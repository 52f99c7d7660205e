"""Thumbnails in the admin."""

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import User
from images.models import STRIPPING_VERSION, Picture
from tests.clients import Client
from tests.factories import make_picture
from tests.pictures import jpeg

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore::ResourceWarning")]


def test_a_picture_is_shown_with_its_thumbnail_and_state(
    admin_client: Client,
    alice: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        picture = make_picture(alice, jpeg(900, 600))
    page = admin_client.get("/admin/images/picture/").content.decode()
    smallest = picture.thumbnails.get(height=200)
    assert f'src="/images/{smallest.key}?' in page
    assert "Ready" in page
    assert admin_client.get(f"/admin/images/picture/{picture.pk}/change/").status_code == 200


def test_a_picture_says_what_recipients_get_of_it(admin_client: Client, alice: User) -> None:
    picture = make_picture(alice, jpeg(90, 60))
    address = f"/admin/images/picture/{picture.pk}/change/"
    assert "Not asked for yet" in admin_client.get(address).content.decode()
    Picture.objects.update(clean_version=STRIPPING_VERSION)
    page = admin_client.get(address).content.decode()
    assert str(Picture.CleanCopy.RENDITION.label) in page
    Picture.objects.update(clean_key=picture.key)
    assert str(Picture.CleanCopy.READY.label) in admin_client.get(address).content.decode()
