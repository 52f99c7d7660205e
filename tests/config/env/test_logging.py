"""What strangers can cause without end writes one line a second of each kind."""

import logging
from io import StringIO

import pytest
from django.db import OperationalError
from django.test import override_settings
from redis.exceptions import TimeoutError as RedisTimeout

from accounts.security_log import REFUSALS
from config.env import logging as env_logging
from config.env.logging import LOGGING, FloodFilter, LineFormatter, OutageFilter
from config.middleware.request_log import _make_record
from images.exceptions import StorageAway
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


def test_nothing_holds_back_the_line_of_a_request() -> None:
    """Their handler has no filter: they would let each of its lines pass, as it is."""
    assert "filters" not in LOGGING["handlers"]["requests"]
    assert LOGGING["loggers"]["tintype.requests"]["handlers"] == ["requests"]
    flood, outage = FloodFilter(), OutageFilter()
    for _ in range(3):
        line = _make_record(logging.INFO, ("GET", "/l/7.x", 503, 1.0, ": why"))
        assert flood.filter(line)
        assert outage.filter(line)


def test_what_stands_below_a_line_is_written_as_the_library_writes_it() -> None:
    error, stack = record("a", "%s failed", "it"), record("a", "where")
    error.exc_info = (ValueError, ValueError("why"), None)
    stack.stack_info = "Stack: here"
    line, library = LineFormatter("%(message)s"), logging.Formatter("%(message)s")
    assert [line.format(each) for each in (error, stack)] == [
        "it failed\nValueError: why",
        "where\nStack: here",
    ]
    assert library.format(error) == line.format(error)


def test_lines_are_dated_as_the_library_dates_them() -> None:
    line, library = (
        LineFormatter("%(asctime)s %(message)s"),
        logging.Formatter("%(asctime)s %(message)s"),
    )
    at = LineFormatter("%(asctime)s", "%H"), logging.Formatter("%(asctime)s", "%H")
    for created in (0.0, 1.25, 1.75, 2.0, 1_796_005_800.001, 1_796_005_800.999, 1.5, 3600.0):
        made = record("a", "b")
        made.created, made.msecs = created, created % 1 * 1000
        assert line.format(made) == library.format(made)
        assert at[0].format(made) == at[1].format(made)


def failing(name: str, error: BaseException, message: str = "it failed") -> logging.LogRecord:
    info = (type(error), error, None)
    return logging.LogRecord(name, logging.ERROR, "", 0, message, (), info)


@pytest.mark.parametrize(
    "error", [OperationalError("gone"), RedisTimeout("silent"), StorageAway(), ConnectionError()]
)
def test_a_part_that_is_away_leaves_no_traceback_and_one_line_a_minute(
    clock: list[float], error: Exception
) -> None:
    outage = OutageFilter()
    records = [failing("lib.background", error) for _ in range(3)]
    assert [outage.filter(each) for each in records] == [True, False, False]
    assert (records[0].exc_info, records[0].levelname) == (None, "WARNING")
    clock[0] += 61
    later = failing("lib.background", error)
    assert outage.filter(later)
    assert later.getMessage() == f"it failed: {type(error).__name__} (2 more left out)"


def test_a_failure_of_our_own_keeps_its_traceback_each_time(clock: list[float]) -> None:
    outage = OutageFilter()
    records = [failing("lib.background", ValueError("why")) for _ in range(3)]
    assert all(map(outage.filter, records))
    assert all(each.exc_info for each in records)


def test_warnings_that_are_alike_are_written_once_a_minute(clock: list[float]) -> None:
    outage = OutageFilter()

    def warn(message: str, *args: object) -> bool:
        return outage.filter(
            logging.LogRecord("thumbnails", logging.WARNING, "", 0, message, args, None)
        )

    assert [warn("picture %s waits", number) for number in range(3)] == [True, False, False]
    assert warn("another")
    assert outage.filter(record("thumbnails", "picture %s: 2 thumbnails", 1))


def test_a_503_is_said_by_the_requests_line_alone() -> None:
    refused = logging.LogRecord("django.request", logging.ERROR, "", 0, "Unavailable", (), None)
    refused.status_code = 503
    assert not OutageFilter().filter(refused)
    refused.status_code = 500
    assert OutageFilter().filter(refused)
