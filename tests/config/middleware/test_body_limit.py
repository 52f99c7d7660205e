"""The 413 for bodies that nginx refused."""

import pytest

from api.contracts import CONTRACTS, Contract
from config.middleware.body_limit import HEADER
from tests.clients import Client


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.name)
def test_a_contract_gets_413_in_its_own_shape_before_any_view(contract: Contract) -> None:
    response = Client().post(f"{contract.prefixes[0]}/anything", headers={HEADER: "yes"})
    assert response.status_code == 413
    assert response["Content-Type"] == "application/json"


def test_a_page_gets_413_as_a_line_of_text() -> None:
    response = Client().post("/", headers={HEADER: "yes"})
    assert (response.status_code, response.content) == (413, b"The body is too large.")


def test_a_request_without_the_header_goes_on() -> None:
    assert Client().get("/healthz").status_code == 200
