"""What tests of thumbnails share."""

import pytest

from tests.factories import make_picture
from tests.pictures import jpeg


@pytest.fixture
def picture(alice):
    return make_picture(alice, jpeg(900, 600))
