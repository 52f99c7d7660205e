"""Who may see a picture."""

import pytest

from accounts.models import User
from images.access import may_see
from images.models import Picture
from tests.factories import make_picture


@pytest.mark.django_db
@pytest.mark.parametrize("visibility", Picture.Visibility.values)
def test_visible_to_is_may_see_as_a_query(
    alice: User, bob: User, staff: User, visibility: str
) -> None:
    picture = make_picture(alice, visibility=visibility)
    for viewer in (alice, bob, staff, None):
        found = Picture.objects.visible_to(viewer).filter(pk=picture.pk).exists()
        assert found == may_see(viewer, picture), viewer
