"""Answers that no view gives."""

import errno

import pytest
from botocore.exceptions import EndpointConnectionError
from django.db import OperationalError

from images.storage.disk import DiskStorage
from tests.clients import Client
from tests.factories import make_picture

pytestmark = pytest.mark.django_db

AWAY = [
    OperationalError("server closed the connection"),
    EndpointConnectionError(endpoint_url="http://10.0.0.7"),
    OSError(errno.EIO, "Input/output error"),
]


def opened(picture, error, monkeypatch):
    def broken(storage, key):
        raise error

    monkeypatch.setattr(DiskStorage, "open", broken)
    return Client(raise_request_exception=False).get(f"/images/{picture.key}")


@pytest.mark.parametrize("error", AWAY, ids=lambda error: type(error).__name__)
def test_a_page_says_when_to_come_back_while_a_part_is_away(alice, monkeypatch, error):
    response = opened(make_picture(alice, visibility="public"), error, monkeypatch)
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert b"10.0.0.7" not in response.content


def test_a_failure_of_ours_is_no_outage(alice, monkeypatch):
    error = OSError(errno.EISDIR, "Is a directory")
    response = opened(make_picture(alice, visibility="public"), error, monkeypatch)
    assert response.status_code == 500
    assert "Retry-After" not in response
