"""The responses of Django's error handlers."""

import errno

import pytest
from botocore.exceptions import EndpointConnectionError
from django.db import OperationalError

from accounts.models import User
from images.models import Picture
from images.storage.disk import DiskStorage
from tests.clients import Client, Response
from tests.factories import make_picture

pytestmark = pytest.mark.django_db

OUTAGES = [
    OperationalError("server closed the connection"),
    EndpointConnectionError(endpoint_url="http://10.0.0.7"),
    OSError(errno.EIO, "Input/output error"),
]


def response_to(picture: Picture, error: Exception, monkeypatch: pytest.MonkeyPatch) -> Response:
    def broken(storage: DiskStorage, key: str) -> None:
        raise error

    monkeypatch.setattr(DiskStorage, "open", broken)
    return Client(raise_request_exception=False).get(f"/images/{picture.key}")


@pytest.mark.parametrize("error", OUTAGES, ids=lambda error: type(error).__name__)
def test_a_page_is_503_with_retry_after_while_a_part_is_away(
    alice: User, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    response = response_to(make_picture(alice, visibility="public"), error, monkeypatch)
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert b"10.0.0.7" not in response.content


def test_an_error_of_ours_is_500(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    error = OSError(errno.EISDIR, "Is a directory")
    response = response_to(make_picture(alice, visibility="public"), error, monkeypatch)
    assert response.status_code == 500
    assert "Retry-After" not in response
