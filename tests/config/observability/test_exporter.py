"""`/metrics`: who may read it, and the counters of requests, uploads and renderings."""

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import User
from tests.clients import Client
from tests.config.observability.scraping import BEARER, TOKEN, scrape
from tests.factories import make_picture
from tests.pictures import jpeg


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Bearer wrong", TOKEN, f"Token {TOKEN}", f"Bearer {TOKEN}x"]
)
def test_metrics_are_401_without_the_token(header: str) -> None:
    response = Client(headers={"Authorization": header}).get("/metrics")
    assert (response.status_code, response.content) == (401, b"")
    assert response["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("header", ["", "Bearer ", f"Bearer {TOKEN}"])
def test_metrics_are_404_where_no_token_is_set(settings: Settings, header: str) -> None:
    settings.METRICS_TOKEN = ""
    assert Client(headers={"Authorization": header}).get("/metrics").status_code == 404


@pytest.mark.django_db
def test_metrics_allow_only_reading_and_are_never_cached() -> None:
    assert Client(headers=BEARER).post("/metrics").status_code == 405
    response = Client(headers=BEARER).get("/metrics")
    assert "no-store" in response["Cache-Control"]


@pytest.mark.django_db
def test_requests_are_counted_by_contract_and_code() -> None:
    before = scrape()
    for path in ("/api/me", "/api/user/images/", "/pictures/x", "/nowhere/a", "/nobody/b", "/"):
        Client().get(path)
    after = scrape()
    for contract, code in [
        ("images_api", "401"), ("restful_api", "401"), ("pictures_service", "404"),
        ("gallery", "200"),
    ]:  # fmt: skip
        of = {"contract": contract, "code": code}
        name = "tintype_requests_total"
        assert after(name, **of) - before(name, **of) == 1, contract
    elsewhere = {"contract": "elsewhere"}
    name = "tintype_request_seconds_count"
    assert after(name, **elsewhere) - before(name, **elsewhere) == 2


@pytest.mark.django_db
def test_uploads_and_renderings_are_counted(
    alice: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    before, content = scrape(), jpeg(900, 600)
    with django_capture_on_commit_callbacks(execute=True):
        make_picture(alice, content)
    after = scrape()
    assert after("tintype_upload_bytes_sum") - before("tintype_upload_bytes_sum") == len(content)
    name = "tintype_render_seconds_count"
    assert after(name) - before(name) == 1
    assert after("tintype_render_seconds_sum") > before("tintype_render_seconds_sum")
