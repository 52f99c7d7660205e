"""`deploy/nginx.conf` says of each contract what `api/contracts.py` says."""

import re
from collections.abc import Iterable

import pytest

from api.contracts import CONTRACTS, contract_at
from api.errors import TOO_MANY_REQUESTS, UNAVAILABLE
from api.pictures_service.errors import DEFAULT_PICTURE_PREFIX
from api.pictures_service.socketio.application import PATH as SOCKETIO_PATH
from api.problems import Problem
from delivery.addresses import BYTE_PREFIXES
from lib.cors import ALLOWED_HEADERS, EXPOSED_HEADERS
from tests.faults.contracts import UPLOAD_ROUTES
from tests.processes import ROOT

CONF = (ROOT / "deploy" / "nginx.conf").read_text()
# The first line that matches counts in nginx: the longest prefix stands first.
BY_PREFIX = sorted(
    [
        *((prefix, contract) for contract in CONTRACTS for prefix in contract.prefixes),
        (DEFAULT_PICTURE_PREFIX, contract_at(DEFAULT_PICTURE_PREFIX)),
    ],
    key=lambda each: (-len(each[0]), each[0]),
)
STATUS_REASON = "X-Status-Reason"


def block(name: str) -> str:
    """Return the lines of a map without its default."""
    found = re.search(rf"map \$uri \${name} {{\n    default [^\n]*\n(.*?)\n}}", CONF, re.DOTALL)
    assert found
    return found[1]


def lines(values: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"    ~^{prefix}(/|$) {value};" for prefix, value in values)


SENT_BY_NGINX = pytest.mark.parametrize(
    ("name", "problem"), [("away", UNAVAILABLE), ("throttled", TOO_MANY_REQUESTS)]
)


@SENT_BY_NGINX
def test_nginx_sends_each_contracts_own_body(name: str, problem: Problem) -> None:
    """A new contract's line is the one that this test shows as missing."""
    bodies = [
        (prefix, f"'{contract.error_response(problem, prefix).content.decode()}'")
        for prefix, contract in BY_PREFIX
    ]
    assert block(name) == lines(bodies)
    assert f'map $uri ${name} {{\n    default "{problem.message}";' in CONF


@SENT_BY_NGINX
def test_nginx_sends_the_status_reason_of_the_contracts_that_have_one(
    name: str, problem: Problem
) -> None:
    headers = [(prefix, contract.render_problem(problem).headers) for prefix, contract in BY_PREFIX]
    assert {name for _, each in headers for name in each} == {STATUS_REASON}
    reasons = [
        (prefix, f'"{each[STATUS_REASON]}"') for prefix, each in headers if STATUS_REASON in each
    ]
    assert block(f"{name}_reason") == lines(reasons)


def test_nginx_opens_the_addresses_that_the_service_opens_to_other_origins() -> None:
    of_contracts = [prefix for prefix, _ in BY_PREFIX if prefix != DEFAULT_PICTURE_PREFIX]
    prefixes = [*of_contracts, *BYTE_PREFIXES, SOCKETIO_PATH]
    words = "|".join(prefix.removeprefix("/") for prefix in prefixes)
    assert block("is_open") == f'    "" yes;\n    ~^/({words})(/|$) yes;'


def test_nginx_names_the_headers_that_the_service_names() -> None:
    assert f'    default "{", ".join(EXPOSED_HEADERS)}";' in CONF
    allowed = ", ".join(ALLOWED_HEADERS)
    assert f'add_header Access-Control-Allow-Headers "{allowed}" always;' in CONF


def test_a_large_body_is_taken_at_the_routes_of_uploads_and_nowhere_else() -> None:
    """What nginx takes lies in its /tmp; what is no picture is 64 KB at most."""
    found = re.findall(r"location ~ (\S+) \{\s+client_max_body_size 21m;", CONF, flags=re.MULTILINE)
    assert CONF.count("client_max_body_size 21m;") == len(found) == 2
    routes = [*(route.path for route in UPLOAD_ROUTES.values()), "/v1/image"]
    for path in routes:
        bare = path.rstrip("/")
        for each in (bare, f"{bare}/"):
            assert any(re.search(pattern, each) for pattern in found), each
        for each in (f"{bare}/delete", f"{bare}s-and-more", f"/x{bare}"):
            assert not any(re.search(pattern, each) for pattern in found), each
