"""The table of the contracts, and what else is written for each of them."""

import re
import tomllib

import pytest

import config.urls  # noqa: F401 (registers the path converters)
from api.contracts import CONTRACTS, Contract, contract_at, find_contract
from tests.api.access_table import ROWS_BY_CONTRACT
from tests.api.routes import routes, routes_of
from tests.faults.contracts import UPLOAD_ROUTES, WITHOUT_UPLOADS
from tests.processes import ROOT
from tests.smoke_tests import SMOKE_TESTS

PAGES = ROOT / "docs" / "contracts"
each_contract = pytest.mark.parametrize("contract", CONTRACTS, ids=lambda each: each.name)


@each_contract
def test_each_contract_has_a_folder_of_its_name(contract: Contract) -> None:
    folder = ROOT / "api" / contract.name
    assert {"errors.py", "serializers.py", "urls.py", "views.py"} <= {
        path.name for path in folder.iterdir()
    }
    for module in (contract.urls, contract.render_problem.__module__):
        assert module.startswith(f"api.{contract.name}.")
    assert contract.error_serializer.__module__ == f"api.{contract.name}.serializers"


def test_every_folder_of_views_is_a_contract() -> None:
    folders = {path.parent.name for path in (ROOT / "api").glob("*/urls.py")}
    assert folders == {contract.name for contract in CONTRACTS}


@each_contract
def test_routes_lie_below_their_contracts_prefixes_and_each_has_one(
    contract: Contract,
) -> None:
    routes = [f"/{route}" for route in routes_of(contract.urls)]
    assert {contract_at(route).name for route in routes} == {contract.name}
    for prefix in contract.prefixes:
        assert any(f"{route}/".startswith(f"{prefix}/") for route in routes), prefix


def test_the_site_has_the_routes_of_every_contract() -> None:
    assert set(routes_of("api.urls")) <= set(routes())
    assert routes_of("api.urls") == [
        route for contract in CONTRACTS for route in routes_of(contract.urls)
    ]


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
def test_the_longest_prefix_of_whole_parts_decides(path: str, name: str) -> None:
    assert contract_at(path).name == name


@pytest.mark.parametrize("path", ["/", "/images/x.jpg", "/authors", "/v1", "/apis", "/l/token"])
def test_pages_and_bytes_belong_to_no_contract(path: str) -> None:
    assert find_contract(path) is None
    with pytest.raises(LookupError):
        contract_at(path)


def test_each_contract_has_a_page_and_each_page_a_contract() -> None:
    assert {path.name for path in PAGES.glob("*.md")} == {each.page for each in CONTRACTS}


def test_the_readme_leads_to_each_page() -> None:
    readme = (ROOT / "README.md").read_text()
    assert [each.page for each in CONTRACTS if f"(docs/contracts/{each.page})" not in readme] == []


def test_an_import_rule_keeps_the_contracts_independent() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        rules = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    [modules] = [rule["modules"] for rule in rules if rule["type"] == "independence"]
    assert set(modules) == {f"api.{contract.name}" for contract in CONTRACTS}


@each_contract
def test_a_contracts_page_names_its_prefixes(contract: Contract) -> None:
    page = (PAGES / contract.page).read_text()
    assert [
        prefix for prefix in contract.prefixes if not re.search(rf"`[A-Z ]*{prefix}\b", page)
    ] == []


def test_the_tables_of_other_tests_have_every_contract() -> None:
    names = {contract.name for contract in CONTRACTS}
    assert UPLOAD_ROUTES.keys() | WITHOUT_UPLOADS == names
    assert {journey.__name__ for journey in SMOKE_TESTS} == names
    assert ROWS_BY_CONTRACT.keys() == names


@each_contract
def test_the_tables_of_other_tests_ask_each_contract_at_its_own_routes(contract: Contract) -> None:
    if contract.name in UPLOAD_ROUTES:
        assert contract_at(UPLOAD_ROUTES[contract.name].path) is contract
    assert {contract_at(row.path) for row in ROWS_BY_CONTRACT[contract.name]} == {contract}
