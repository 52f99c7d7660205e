"""The table of the contracts, and what else is written for each of them."""

import re

import pytest

import config.urls  # noqa: F401 (registers the path converters)
from api.contracts import CONTRACTS, contract_at, find_contract
from api.urls import urlpatterns
from tests.api.access_table import ROWS_BY_CONTRACT
from tests.api.routes import routes, routes_of
from tests.faults.contracts import UPLOAD_ROUTES, WITHOUT_UPLOADS
from tests.processes import ROOT
from tests.smoke_tests import SMOKE_TESTS

PAGES = ROOT / "docs" / "contracts"
each_contract = pytest.mark.parametrize("contract", CONTRACTS, ids=lambda each: each.name)


@each_contract
def test_each_contract_has_a_folder_of_its_name(contract):
    folder = ROOT / "api" / contract.name
    assert {"errors.py", "serializers.py", "urls.py", "views.py"} <= {
        path.name for path in folder.iterdir()
    }
    for module in (contract.urls, contract.render_problem.__module__):
        assert module.startswith(f"api.{contract.name}.")
    assert contract.error_serializer.__module__ == f"api.{contract.name}.serializers"


def test_every_folder_of_views_is_a_contract():
    folders = {path.parent.name for path in (ROOT / "api").glob("*/urls.py")}
    assert folders == {contract.name for contract in CONTRACTS}


@each_contract
def test_a_contracts_routes_lie_below_its_prefixes_and_each_prefix_has_one(contract):
    routes = [f"/{route}" for route in routes_of(contract.urls)]
    assert {contract_at(route).name for route in routes} == {contract.name}
    for prefix in contract.prefixes:
        assert any(f"{route}/".startswith(f"{prefix}/") for route in routes), prefix


def test_every_contract_is_included_once():
    assert set(routes_of("api.urls")) <= set(routes())
    included = [each.urlconf_name.__name__ for each in urlpatterns]
    assert included == [contract.urls for contract in CONTRACTS]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/auth", "auth_service"),
        ("/auth/nothing/here", "auth_service"),
        ("/api", "images_api"),
        ("/api/users", "images_api"),
        ("/api/user", "restful_api"),
        ("/api/user/images/", "restful_api"),
        ("/api/schema/", "restful_api"),
        ("/image", "image_service"),
        ("/v1/image/x", "image_service"),
        ("/pictures/", "pictures_service"),
    ],
)
def test_the_longest_prefix_of_whole_parts_decides(path, name):
    assert contract_at(path).name == name


@pytest.mark.parametrize("path", ["/", "/images/x.jpg", "/authors", "/v1", "/apis", "/l/token"])
def test_pages_and_bytes_belong_to_no_contract(path):
    assert find_contract(path) is None
    with pytest.raises(LookupError):
        contract_at(path)


def test_each_contract_has_a_page_and_each_page_a_contract():
    assert {path.name for path in PAGES.glob("*.md")} == {each.page for each in CONTRACTS}


@each_contract
def test_a_contracts_page_names_its_prefixes(contract):
    page = (PAGES / contract.page).read_text()
    assert [
        prefix for prefix in contract.prefixes if not re.search(rf"`[A-Z ]*{prefix}\b", page)
    ] == []


def test_the_tables_of_other_tests_have_every_contract():
    names = {contract.name for contract in CONTRACTS}
    assert UPLOAD_ROUTES.keys() | WITHOUT_UPLOADS == names
    assert {journey.__name__ for journey in SMOKE_TESTS} == names
    assert ROWS_BY_CONTRACT.keys() == names


@each_contract
def test_the_tables_of_other_tests_ask_each_contract_at_its_own_routes(contract):
    if contract.name in UPLOAD_ROUTES:
        assert contract_at(UPLOAD_ROUTES[contract.name].path) is contract
    assert {contract_at(row.path) for row in ROWS_BY_CONTRACT[contract.name]} == {contract}
