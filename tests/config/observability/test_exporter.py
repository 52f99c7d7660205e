"""What Prometheus is told, and who may ask."""

import os
import subprocess
import sys
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
from tests.processes import ROOT

TOKEN = "whoever bears this may ask for metrics"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def read(text):
    """Return a function that tells one value; a name that is not there is 0."""
    samples = [each for family in text_string_to_metric_families(text) for each in family.samples]

    def value(name, **labels):
        return sum(each.value for each in samples if each.name == name
                   and labels.items() <= each.labels.items())  # fmt: skip

    return value


def told():
    response = Client(headers=BEARER).get("/metrics")
    assert response.status_code == 200
    return read(response.content.decode())


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Bearer wrong", TOKEN, f"Token {TOKEN}", f"Bearer {TOKEN}x"]
)
def test_nobody_else_is_told(header):
    response = Client(headers={"Authorization": header}).get("/metrics")
    assert (response.status_code, response.content) == (401, b"")
    assert response["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("header", ["", "Bearer ", f"Bearer {TOKEN}"])
def test_without_a_token_there_is_no_such_page(settings, header):
    settings.METRICS_TOKEN = ""
    assert Client(headers={"Authorization": header}).get("/metrics").status_code == 404


@pytest.mark.django_db
def test_the_bearer_reads_and_does_nothing_else():
    assert Client(headers=BEARER).post("/metrics").status_code == 405
    response = Client(headers=BEARER).get("/metrics")
    assert "no-store" in response["Cache-Control"]


@pytest.mark.django_db
def test_requests_are_counted_by_contract_and_code():
    before = told()
    for path in ("/api/me", "/api/user/images/", "/pictures/x", "/nowhere/a", "/nobody/b", "/"):
        Client().get(path)
    after = told()
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
def test_uploads_and_renderings_are_measured(alice, django_capture_on_commit_callbacks):
    before, content = told(), jpeg(900, 600)
    with django_capture_on_commit_callbacks(execute=True):
        make_picture(alice, content)
    after = told()
    assert after("tintype_upload_bytes_sum") - before("tintype_upload_bytes_sum") == len(content)
    name = "tintype_render_seconds_count"
    assert after(name) - before(name) == 1
    assert after("tintype_render_seconds_sum") > before("tintype_render_seconds_sum")


@pytest.mark.django_db
def test_what_is_left_to_do_is_told(alice):
    assert told()("tintype_queue_age_seconds") == 0
    make_picture(alice)
    OutboxMessage.objects.create(body="{}")
    Heartbeat.objects.create(name="worker", at=timezone.now() - timedelta(seconds=50))
    Picture.objects.update(render_wanted_at=timezone.now() - timedelta(seconds=500))
    value = told()
    assert 500 <= value("tintype_queue_age_seconds") < 560
    assert value("tintype_outbox_messages") == 1
    assert 50 <= value("tintype_heartbeat_age_seconds", part="worker") < 110
    Picture.objects.update(rendering="ready")
    assert told()("tintype_queue_age_seconds") == 0


@pytest.mark.django_db
def test_a_new_wish_is_as_old_as_itself(alice):
    picture = make_picture(alice)
    Picture.objects.update(render_wanted_at=timezone.now() - timedelta(days=1), rendering="ready")
    Picture.objects.filter(pk=picture.pk).mark_pending()
    assert told()("tintype_queue_age_seconds") < 60


@pytest.mark.django_db
def test_counters_are_told_while_the_tables_cannot_be_asked():
    def refuse(*args):
        raise OperationalError

    with connection.execute_wrapper(refuse):
        value = told()
    assert value("tintype_requests_total") > 0
    assert value("python_info") == 1


@pytest.mark.parametrize("token", ["x", "nineteen characters"])
def test_a_token_that_could_be_guessed_is_refused(token):
    finished = subprocess.run(
        [sys.executable, "-c", "import config.env.metrics"],
        cwd=ROOT, env=os.environ | {"METRICS_TOKEN": token}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert "METRICS_TOKEN must have at least 20" in finished.stderr
