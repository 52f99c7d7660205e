"""What tests of delivery share."""

import pytest

from images.services import activate
from tests.clients import Client
from tests.factories import make_picture
from tests.pictures import jpeg


@pytest.fixture
def browser():
    return Client()


@pytest.fixture
def shown(django_capture_on_commit_callbacks):
    """Return a function that uploads, renders and activates a picture."""

    def make(owner, visibility="public"):
        with django_capture_on_commit_callbacks(execute=True):
            picture = make_picture(owner, jpeg(900, 600), visibility=visibility)
            activate(picture)
        return picture

    return make
