"""`/healthz` and `/readyz`."""

from datetime import timedelta
from errno import ENOSPC, EROFS
from typing import Any

import pytest
from celery import Celery
from django.utils import timezone
from pytest_django import Settings

from config.health import probes, views
from config.health.probes import Probe
from lib.redis_client import redis_client
from lib.room import MIN_FREE_BYTES
from notifications.models import Heartbeat
from tests.clients import Client

PARTS = ["database", "migrations", "cache", "broker", "storage", "worker", "auth-events"]


@pytest.fixture
def new_probes(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> dict[str, Probe]:
    """Probes without a result, with time for a busy machine; a test may replace one."""
    monkeypatch.setattr(probes, "TIMEOUT", 30.0)
    new = {name: Probe(probe._check) for name, probe in views._PROBES.items()}
    monkeypatch.setattr(views, "_PROBES", new)
    Heartbeat.objects.create(name="worker", at=timezone.now())
    return new


def fail() -> None:
    raise OSError("secret host name")


def get_readyz() -> tuple[int, dict[str, Any]]:
    response = Client().get("/readyz")
    return response.status_code, response.json()


def test_healthz_is_200_while_the_process_is_alive() -> None:
    response = Client().get("/healthz")
    assert (response.status_code, response.content) == (200, b"ok")


def test_readyz_is_200_when_every_part_is_available(new_probes: dict[str, Probe]) -> None:
    everything = {"ready": True, "missing": [], "parts": dict.fromkeys(PARTS, "ok")}
    status, body = get_readyz()
    assert body.pop("walls").keys() == {"limits", "user", "privileges", "files", "calls"}
    assert (status, body) == (200, everything)


@pytest.mark.parametrize("name", PARTS)
def test_readyz_names_the_missing_part_and_shows_nothing_else(
    new_probes: dict[str, Probe], name: str
) -> None:
    new_probes[name] = Probe(fail)
    status, body = get_readyz()
    assert (status, body["ready"], body["missing"]) == (503, False, [name])
    assert body["parts"] == {**dict.fromkeys(PARTS, "ok"), name: "missing"}


@pytest.mark.unhurried
def test_a_broker_that_is_down_is_missing(
    new_probes: dict[str, Probe], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "app", Celery(broker="redis://127.0.0.1:1/0", set_as_current=False))
    assert get_readyz()[1]["missing"] == ["broker"]


def test_a_worker_without_a_recent_heartbeat_is_missing(new_probes: dict[str, Probe]) -> None:
    Heartbeat.objects.update(at=timezone.now() - timedelta(minutes=1))
    assert get_readyz()[1]["missing"] == ["worker"]


def test_a_listener_is_required_where_amqp_url_is_set(
    new_probes: dict[str, Probe], settings: Settings
) -> None:
    settings.AMQP_URL = "amqp://anywhere"
    assert get_readyz()[1]["missing"] == ["auth-events"]
    Heartbeat.objects.create(name="auth-events", at=timezone.now())
    new_probes["auth-events"] = Probe(views._check_auth_events)
    assert get_readyz()[0] == 200


def test_a_storage_that_cannot_be_written_to_is_missing(
    new_probes: dict[str, Probe], settings: Settings
) -> None:
    settings.MEDIA_ROOT = "/proc/1/nobody-writes-here"
    assert get_readyz()[1]["missing"] == ["storage"]


def test_a_router_that_asks_for_web_hears_nothing_of_other_processes(
    new_probes: dict[str, Probe],
) -> None:
    new_probes["worker"] = new_probes["auth-events"] = Probe(fail)
    assert get_readyz()[0] == 503
    response = Client().get("/readyz?for=web")
    own = [name for name in PARTS if name not in {"worker", "auth-events"}]
    assert (response.status_code, list(response.json()["parts"])) == (200, own)
    new_probes["storage"] = Probe(fail)
    assert Client().get("/readyz?for=web").json()["missing"] == ["storage"]


@pytest.mark.parametrize(("error", "state"), [(ENOSPC, "full"), (EROFS, "read-only")])
def test_a_disk_without_room_is_called_so(
    new_probes: dict[str, Probe], monkeypatch: pytest.MonkeyPatch, error: int, state: str
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(error, "no")

    monkeypatch.setattr("lib.room.os.fsync", refuse)
    status, body = get_readyz()
    assert (status, body["parts"]["storage"]) == (503, state)


def test_a_disk_with_little_room_left_is_full(
    new_probes: dict[str, Probe], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lib.room.free_bytes", lambda _: MIN_FREE_BYTES - 1)
    assert get_readyz()[1]["parts"]["storage"] == "full"


def test_a_redis_that_takes_nothing_is_full(new_probes: dict[str, Probe]) -> None:
    client: Any = redis_client()
    before = {name: client.config_get(name)[name] for name in ("maxmemory", "maxmemory-policy")}
    try:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", "1")
        assert get_readyz()[1]["parts"]["cache"] == "full"
    finally:
        for name, value in before.items():
            client.config_set(name, value)
