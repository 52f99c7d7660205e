"""`/metrics`: its values, and who may read them."""

from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from images.models import Picture
from notifications.models import Heartbeat, OutboxMessage
from tests.clients import Client
from tests.factories import make_picture
from tests.pictures import jpeg

TOKEN = "whoever bears this may ask for metrics"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def parse_metrics(text):
    """Return a function that returns the value of a metric, 0 for an unknown one."""
    samples = [each for family in text_string_to_metric_families(text) for each in family.samples]

    def value(name, **labels):
        return sum(each.value for each in samples if each.name == name
                   and labels.items() <= each.labels.items())  # fmt: skip

    return value


def scrape():
    response = Client(headers=BEARER).get("/metrics")
    assert response.status_code == 200
    return parse_metrics(response.content.decode())


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Bearer wrong", TOKEN, f"Token {TOKEN}", f"Bearer {TOKEN}x"]
)
def test_metrics_are_401_without_the_token(header):
    response = Client(headers={"Authorization": header}).get("/metrics")
    assert (response.status_code, response.content) == (401, b"")
    assert response["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("header", ["", "Bearer ", f"Bearer {TOKEN}"])
def test_metrics_are_404_where_no_token_is_set(settings, header):
    settings.METRICS_TOKEN = ""
    assert Client(headers={"Authorization": header}).get("/metrics").status_code == 404


@pytest.mark.django_db
def test_metrics_allow_only_reading_and_are_never_cached():
    assert Client(headers=BEARER).post("/metrics").status_code == 405
    response = Client(headers=BEARER).get("/metrics")
    assert "no-store" in response["Cache-Control"]


@pytest.mark.django_db
def test_requests_are_counted_by_contract_and_code():
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
def test_uploads_and_renderings_are_counted(alice, django_capture_on_commit_callbacks):
    before, content = scrape(), jpeg(900, 600)
    with django_capture_on_commit_callbacks(execute=True):
        make_picture(alice, content)
    after = scrape()
    assert after("tintype_upload_bytes_sum") - before("tintype_upload_bytes_sum") == len(content)
    name = "tintype_render_seconds_count"
    assert after(name) - before(name) == 1
    assert after("tintype_render_seconds_sum") > before("tintype_render_seconds_sum")


@pytest.mark.django_db
def test_the_backlog_is_reported(alice):
    assert scrape()("tintype_queue_age_seconds") == 0
    make_picture(alice)
    OutboxMessage.objects.create(body="{}")
    Heartbeat.objects.create(name="worker", at=timezone.now() - timedelta(seconds=50))
    Picture.objects.update(render_wanted_at=timezone.now() - timedelta(seconds=500))
    value = scrape()
    assert 500 <= value("tintype_queue_age_seconds") < 560
    assert value("tintype_outbox_messages") == 1
    assert 50 <= value("tintype_heartbeat_age_seconds", part="worker") < 110
    Picture.objects.update(rendering="ready")
    assert scrape()("tintype_queue_age_seconds") == 0


@pytest.mark.django_db
def test_the_queue_age_counts_from_the_latest_request_for_thumbnails(alice):
    picture = make_picture(alice)
    Picture.objects.update(render_wanted_at=timezone.now() - timedelta(days=1), rendering="ready")
    Picture.objects.filter(pk=picture.pk).mark_pending()
    assert scrape()("tintype_queue_age_seconds") < 60


@pytest.mark.django_db
def test_counters_are_reported_while_the_database_is_away():
    def fail(*args):
        raise OperationalError

    Client().get("/healthz")
    with connection.execute_wrapper(fail):
        value = scrape()
    assert value("tintype_requests_total") > 0
    assert value("python_info") == 1
