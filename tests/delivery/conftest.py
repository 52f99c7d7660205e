"""What tests of delivery share."""

from collections.abc import Callable

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import User
from images.models import Picture
from images.services import activate
from tests.clients import Client
from tests.factories import make_picture
from tests.pictures import jpeg


@pytest.fixture
def browser() -> Client:
    return Client()


@pytest.fixture
def shown(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> Callable[..., Picture]:
    """Return a function that uploads, renders and activates a picture."""

    def make(owner: User, visibility: str = "public") -> Picture:
        with django_capture_on_commit_callbacks(execute=True):
            picture = make_picture(owner, jpeg(900, 600), visibility=visibility)
            activate(picture)
        return picture

    return make
