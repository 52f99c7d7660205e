"""Thumbnails in the admin."""

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import User
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
