"""What tests of thumbnails share."""

import pytest

from accounts.models import User
from images.models import Picture
from tests.factories import make_picture
from tests.pictures import jpeg


@pytest.fixture
def picture(alice: User) -> Picture:
    return make_picture(alice, jpeg(900, 600))
