"""What tests of thumbnails share."""

import pytest

from accounts.models import User
from images import pixels
from images.models import Picture
from tests.factories import make_picture
from tests.pictures import jpeg


@pytest.fixture
def picture(alice: User) -> Picture:
    """A picture whose original is decoded for its thumbnails: no pixels are left of its check."""
    made = make_picture(alice, jpeg(900, 600))
    pixels.drop(made.uid)
    return made
