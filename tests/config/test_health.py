"""Alive is alive; ready names what is missing."""

import pytest
from celery import Celery

from config import health
from tests.clients import Client


def test_a_process_that_answers_is_alive():
    response = Client().get("/healthz")
    assert (response.status_code, response.content) == (200, b"ok")


@pytest.mark.django_db
def test_everything_is_there():
    response = Client().get("/readyz")
    assert (response.status_code, response.json()) == (200, {"ready": True, "missing": []})


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["database", "migrations", "cache", "broker", "storage"])
def test_what_is_missing_is_named_and_nothing_else_is_said(monkeypatch, name):
    def away():
        raise OSError("secret host name")

    monkeypatch.setitem(health._CHECKS, name, away)
    response = Client().get("/readyz")
    assert (response.status_code, response.json()) == (503, {"ready": False, "missing": [name]})


@pytest.mark.django_db
def test_a_broker_that_is_away_is_noticed(monkeypatch):
    monkeypatch.setattr(health, "app", Celery(broker="redis://127.0.0.1:1/0", set_as_current=False))
    assert Client().get("/readyz").json()["missing"] == ["broker"]
