"""Visibility in the admin: shown, filtered by, and changed."""

import pytest

from images.signals import picture_updated
from tests.factories import make_picture

pytestmark = pytest.mark.django_db

LIST = "/admin/images/picture/"


def test_pictures_are_filtered_by_visibility(admin_client, alice):
    shown, hidden = (make_picture(alice, visibility=each) for each in ("public", "members"))
    page = admin_client.get(f"{LIST}?visibility__exact=public").content.decode()
    assert shown.file_name in page
    assert hidden.file_name not in page
    assert "Anyone who knows the id" in page


def test_staff_change_what_the_owner_could_and_the_news_goes_out(admin_client, alice):
    picture = make_picture(alice)
    heard = []

    def hear(picture, **kwargs):
        heard.append(picture.visibility)

    picture_updated.connect(hear)
    try:
        form = {"visibility": "public", "description": "A cat"}
        response = admin_client.post(f"{LIST}{picture.pk}/change/", form)
    finally:
        picture_updated.disconnect(hear)
    picture.refresh_from_db()
    assert response.status_code == 302
    assert (picture.visibility, picture.description) == ("public", "A cat")
    assert heard == ["public"]
