"""Requests are counted by contract, and no client can make up a label."""

import pytest

from config.middleware.metrics import REQUESTS
from tests.clients import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("path", "label", "status"),
    [
        ("/auth/currentUser", "auth_service", 401),
        ("/image/x", "image_service", 401),
        ("/v1/image/x", "image_service", 401),
        ("/api/me", "images_api", 401),
        ("/api/user/images/", "restful_api", 401),
        ("/pictures/nothing", "pictures_service", 404),
        ("/", "gallery", 200),
        ("/p/1", "gallery", 200),
        ("/healthz", "healthz", 200),
        ("/images/x.jpg", "images", 404),
        ("/made-up-by-a-client", "elsewhere", 404),
        ("/imagery", "elsewhere", 404),
    ],
)
def test_a_request_is_counted_under_its_contract_or_part_of_the_site(
    path: str, label: str, status: int
) -> None:
    counter = REQUESTS.labels(label, str(status))
    before = counter._value.get()
    assert Client().get(path).status_code == status
    assert counter._value.get() == before + 1
