"""Alive is alive; ready names what is missing."""

import threading
import time
from datetime import timedelta

import pytest
from celery import Celery
from django.utils import timezone

from config.health import probes, views
from config.health.probes import Probe, run_probes
from notifications.models import Heartbeat
from tests.clients import Client

PARTS = ["database", "migrations", "cache", "broker", "storage", "worker", "auth-events"]


@pytest.fixture
def fresh(transactional_db, monkeypatch):
    """Probes that were never asked, on a machine that may be busy; returns what to replace."""
    monkeypatch.setattr(probes, "TIMEOUT", 30.0)
    asked = {name: Probe(probe._check) for name, probe in views._PROBES.items()}
    monkeypatch.setattr(views, "_PROBES", asked)
    Heartbeat.objects.create(name="worker", at=timezone.now())
    return asked


def away():
    raise OSError("secret host name")


def ready():
    response = Client().get("/readyz")
    return response.status_code, response.json()


def test_a_process_that_answers_is_alive():
    response = Client().get("/healthz")
    assert (response.status_code, response.content) == (200, b"ok")


def test_everything_is_there(fresh):
    everything = {"ready": True, "missing": [], "parts": dict.fromkeys(PARTS, "ok")}
    assert ready() == (200, everything)


@pytest.mark.parametrize("name", PARTS)
def test_what_is_missing_is_named_and_nothing_else_is_said(fresh, name):
    fresh[name] = Probe(away)
    status, said = ready()
    assert (status, said["ready"], said["missing"]) == (503, False, [name])
    assert said["parts"] == {**dict.fromkeys(PARTS, "ok"), name: "missing"}


def test_a_broker_that_is_away_is_noticed(fresh, monkeypatch):
    monkeypatch.setattr(views, "app", Celery(broker="redis://127.0.0.1:1/0", set_as_current=False))
    assert ready()[1]["missing"] == ["broker"]


def test_a_worker_that_has_long_been_silent_is_noticed(fresh):
    Heartbeat.objects.update(at=timezone.now() - timedelta(minutes=1))
    assert ready()[1]["missing"] == ["worker"]


def test_a_listener_is_asked_for_where_there_is_an_exchange(fresh, settings):
    settings.AMQP_URL = "amqp://anywhere"
    assert ready()[1]["missing"] == ["auth-events"]
    Heartbeat.objects.create(name="auth-events", at=timezone.now())
    fresh["auth-events"] = Probe(views._check_auth_events)
    assert ready()[0] == 200


def test_a_folder_that_cannot_be_written_to_is_noticed(fresh, settings):
    settings.MEDIA_ROOT = "/proc/1/nobody-writes-here"
    assert ready()[1]["missing"] == ["storage"]


def test_a_part_that_hangs_is_waited_for_once_and_not_long(monkeypatch):
    """Asked three times it keeps one thread waiting, and the others are told of all the same."""
    monkeypatch.setattr(probes, "TIMEOUT", 0.2)
    let_go, asked = threading.Event(), []

    def hang():
        asked.append(1)
        let_go.wait(60)

    parts = {"hangs": Probe(hang), "is there": Probe(lambda: None)}
    started = time.monotonic()
    answers = [run_probes(parts)["hangs"] for _ in range(3)]
    assert time.monotonic() - started < 30
    let_go.set()
    assert (answers, len(asked)) == ([False] * 3, 1)
    monkeypatch.setattr(probes, "TIMEOUT", 30.0)
    assert run_probes(parts) == {"hangs": True, "is there": True}


def test_an_answer_is_kept_for_a_moment_so_that_strangers_cannot_make_us_ask(monkeypatch):
    monkeypatch.setattr(probes, "TIMEOUT", 30.0)
    monkeypatch.setattr(probes, "RESULT_LIFETIME", 60.0)
    asked = []
    parts = {"part": Probe(lambda: asked.append(1))}
    assert [run_probes(parts) for _ in range(5)] == [{"part": True}] * 5
    assert len(asked) == 1
    monkeypatch.setattr(probes, "RESULT_LIFETIME", 0.0)
    run_probes(parts)
    assert len(asked) == 2
