"""A sixth contract is a folder and one record: everything else follows from it."""

from collections.abc import Iterator

import pytest
from drf_spectacular.generators import SchemaGenerator

import config.urls  # Registers the path converters.
from api import contracts
from api.urls import url_patterns
from config.middleware.metrics import REQUESTS
from tests.api.sixth_contract.record import SIXTH
from tests.clients import Client

ALL = (*contracts.CONTRACTS, SIXTH)
GREETING = "/sixth/greeting"
urlpatterns = url_patterns(ALL)
handler404 = config.urls.handler404

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(contracts, "CONTRACTS", ALL)
    contracts._longest_prefixes_first.cache_clear()
    yield
    contracts._longest_prefixes_first.cache_clear()


def test_its_route_is_found() -> None:
    response = Client().get(GREETING)
    assert (response.status_code, response.json()) == (200, {"greeting": "hello"})


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("PUT", GREETING, 405, '405: Method "PUT" not allowed.'),
        ("GET", "/sixth/nothing", 404, "404: Not found."),
        ("GET", "/sixth", 404, "404: Not found."),
    ],
)
def test_its_errors_have_its_shape_with_or_without_a_view(
    method: str, path: str, status: int, message: str
) -> None:
    response = Client().generic(method, path)
    assert (response.status_code, response.json()) == (status, {"problem": message})


def test_a_body_that_nginx_refused_has_its_shape() -> None:
    response = Client().get(GREETING, headers={"Body-Too-Large": "yes"})
    assert (response.status_code, response.json()) == (
        413, {"problem": "413: The body is too large."},
    )  # fmt: skip


def test_the_openapi_document_has_its_tag_and_its_error_component() -> None:
    document = SchemaGenerator().get_schema(public=True)
    operation = document["paths"][GREETING]["get"]
    assert operation["tags"] == ["sixth contract"]
    assert operation["operationId"].startswith("sixth_contract_")
    for status in ("405", "500"):
        [content] = operation["responses"][status]["content"].values()
        assert content["schema"] == {"$ref": "#/components/schemas/SixthProblem"}
    assert "SixthProblem" in document["components"]["schemas"]


def test_its_requests_are_counted_under_its_name() -> None:
    def count() -> float:
        value: float = REQUESTS.labels("sixth_contract", "200")._value.get()
        return value

    before = count()
    Client().get(GREETING)
    assert count() == before + 1
