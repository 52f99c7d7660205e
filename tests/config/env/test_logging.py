"""What strangers can cause without end writes one line a second of each kind."""

import logging
from io import StringIO

import pytest
from django.test import override_settings

from accounts.security_log import REFUSALS
from config.env import logging as env_logging
from config.env.logging import LOGGING, FloodFilter
from tests.clients import Client


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr("config.env.logging.time.monotonic", lambda: now[0])
    return now


def record(name: str, message: str, *args: object) -> logging.LogRecord:
    return logging.LogRecord(name, logging.INFO, "", 0, message, args, None)


def test_one_line_a_second_of_each_kind_is_written_and_counts_the_rest(clock: list[float]) -> None:
    flood = FloodFilter()

    def refuse() -> str:
        line = record("tintype.security", "%s %s", "sign-in.refused", "{}")
        return line.getMessage() if flood.filter(line) else ""

    assert [refuse() for _ in range(3)] == ["sign-in.refused {}", "", ""]
    assert flood.filter(record("django.security.DisallowedHost", "Invalid HTTP_HOST header"))
    clock[0] += 1.1
    assert [refuse(), refuse()] == ["sign-in.refused {} (2 more left out)", ""]


def test_what_no_stranger_causes_at_will_is_written_each_time(clock: list[float]) -> None:
    flood = FloodFilter()
    lines = [record("tintype.security", "%s %s", "password.changed", each) for each in range(9)]
    assert all(map(flood.filter, lines))
    assert all(flood.filter(record("thumbnails.tasks", "failed")) for _ in range(9))


def test_the_filter_knows_every_kind_of_refusal() -> None:
    assert env_logging._REFUSALS == REFUSALS


def test_a_flood_of_wrong_hosts_writes_a_line() -> None:
    output = StringIO()
    handler = logging.StreamHandler(output)
    handler.addFilter(FloodFilter())
    logger = logging.getLogger("django.security.DisallowedHost")
    logger.addHandler(handler)
    try:
        with override_settings(ALLOWED_HOSTS=["here.example"]):
            for _ in range(20):
                assert Client(headers={"Host": "elsewhere.example"}).get("/").status_code == 400
    finally:
        logger.removeHandler(handler)
    assert 1 <= output.getvalue().count("Traceback") <= 3


def test_every_line_of_the_service_passes_the_filter() -> None:
    assert LOGGING["handlers"]["console"]["filters"][0] == "flood"
    assert LOGGING["root"]["handlers"] == ["console"]
