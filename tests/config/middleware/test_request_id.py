"""Every response bears an id that the log lines of its request bear too."""

import io
import json
import logging
import logging.config
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.module_loading import import_string
from pytest_django import Settings

from config.env.logging import _JSON, LOGGING
from lib.request_id import RequestIdFilter, current_request_id, use_request_id
from tests.clients import Client

logger = logging.getLogger("a test")


def broken(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError


def speaking(request: HttpRequest) -> HttpResponse:
    logger.warning("at work")
    raise ZeroDivisionError


urlpatterns = [path("", broken), path("speaking", speaking)]
handler500 = "config.errors.server_error"


def id_of_response(given: str | None = None, address: str = "/healthz", **options: Any) -> str:
    client = Client(headers={"X-Request-ID": given} if given else {}, **options)
    return client.get(address)["X-Request-ID"]


def test_each_response_has_an_id_of_its_own() -> None:
    ids = {id_of_response() for _ in range(3)}
    assert len(ids) == 3
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in ids)


def test_the_id_of_a_client_is_ignored() -> None:
    assert id_of_response("chosen-by-a-stranger") != "chosen-by-a-stranger"


def test_the_id_of_our_own_proxy_is_used(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = 1
    assert id_of_response("from-the-proxy.1_2") == "from-the-proxy.1_2"


@pytest.mark.parametrize(
    "given", ["short", "x" * 65, "a b c d e f g", "a\tline\tof logs", "ñandúñandú"]
)
def test_what_would_not_be_harmless_in_a_log_is_replaced(settings: Settings, given: str) -> None:
    settings.TRUSTED_PROXIES = 1
    assert re.fullmatch("[0-9a-f]{32}", id_of_response(given))


@pytest.mark.urls(__name__)
def test_a_failure_bears_its_id_too() -> None:
    assert len(id_of_response(address="/", raise_request_exception=False)) == 32


@pytest.mark.parametrize("address", ["/nowhere", "/api/me", "/pictures/x", "/metrics"])
@pytest.mark.django_db
def test_a_refusal_bears_its_id_too(address: str) -> None:
    assert len(id_of_response(address=address)) == 32


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Return a function that gives the log lines so far, as LOG_FORMAT=json writes them."""
    stream = io.StringIO()
    options = {name: value for name, value in _JSON.items() if name != "()"}
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.config.DictConfigurator({}).resolve(_JSON["()"])(**options))
    handler.addFilter(RequestIdFilter())
    logging.getLogger().addHandler(handler)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logging.getLogger().removeHandler(handler)


@pytest.mark.urls(__name__)
def test_every_line_of_a_failure_is_one_object_with_the_id_and_no_request(
    lines: Callable[[], list[dict[str, Any]]],
) -> None:
    mark = id_of_response(address="/speaking?secret=7", raise_request_exception=False)
    by_logger = {line["logger"]: line for line in lines()}
    assert {line["request_id"] for line in by_logger.values()} == {mark}
    assert by_logger["a test"]["message"] == "at work"
    assert by_logger["django.request"]["level"] == "ERROR"
    assert "ZeroDivisionError" in by_logger["django.request"]["exc_info"]
    assert "secret" not in json.dumps(by_logger)


def test_lines_outside_any_request_say_so(lines: Callable[[], list[dict[str, Any]]]) -> None:
    logger.warning("alone")
    assert lines()[-1]["request_id"] == "-"


@pytest.mark.parametrize(
    "beginning", ["/l/", "/join/", "/reset/", "/verify/", "/api/user/invitations/"]
)
def test_a_links_token_is_in_no_line(beginning: str) -> None:
    args = ("Service Unavailable", f"{beginning}1.tov5ts.DOuOaaxp")
    record = logging.makeLogRecord({"name": "django.request", "msg": "%s: %s", "args": args})
    assert all(each.filter(record) for each in handler_filters())
    assert record.getMessage() == f"Service Unavailable: {beginning}…"


def handler_filters() -> list[logging.Filter]:
    """Return the filters that every line passes."""
    names = LOGGING["handlers"]["console"]["filters"]
    return [import_string(LOGGING["filters"][name]["()"])() for name in names]


def test_threads_work_for_requests_of_their_own() -> None:
    seen = []
    with use_request_id("the first one"):
        thread = threading.Thread(target=lambda: seen.append(current_request_id()))
        thread.start()
        thread.join()
        assert current_request_id() == "the first one"
    assert (seen, current_request_id()) == ([""], "")
