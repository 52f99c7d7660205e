"""What generators and people need of the OpenAPI document."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from accounts.models import User
from api.contracts import CONTRACTS
from api.openapi.plain_routes import make_plain_paths
from tests.api.error_table import CASES, ERRORS, Wrong
from tests.api.json_schema import generated_document, with_null
from tests.api.routes import routes
from tests.api.test_errors import send
from tests.clients import Client
from tests.servers import npm

pytestmark = pytest.mark.django_db

HERE = Path(__file__).parent
# The document itself and the page that shows it, pages for people, and what is for staff.
NOT_DESCRIBED = {
    "join/", "join/<str:token>/", "reset/", "reset/<str:token>/", "verify/<str:token>/",
    "api/docs/", "api/schema/", "api/schema/asyncapi.yaml", "i18n/setlang/", "metrics",
    "robots.txt", "manifest.webmanifest", "service-worker.js", "share/",
    "", "p/<id:pk>/", "p/<id:pk>/details/", "p/<id:pk>/links/", "p/<id:pk>/delete/", "links/",
    "account/", "account/delete/",
}  # fmt: skip
DOCUMENT: dict[str, Any] = with_null(generated_document())
OPERATIONS = {
    operation["operationId"]: (path, method, operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
}
each_operation = pytest.mark.parametrize("name", OPERATIONS)


def media_types(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a name and the content of each media type that a request or response may have."""
    for content_type, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"request {content_type}", content
    for status, response in operation["responses"].items():
        for content_type, content in response.get("content", {}).items():
            yield f"{status} {content_type}", content


@each_operation
def test_an_operation_says_what_it_does_and_asks_for(name: str) -> None:
    _, _, operation = OPERATIONS[name]
    assert re.fullmatch("[a-z]+(_[a-z0-9]+)+", name)
    assert operation["summary"]
    assert operation["description"].endswith(".")
    assert len(operation["tags"]) == 1
    assert all(len(alternative) <= 1 for alternative in operation["security"])
    for parameter in operation.get("parameters", []):
        assert parameter["description"], parameter["name"]
        jsonschema_rs.validate(parameter["schema"], parameter["example"])


@each_operation
def test_each_body_has_an_example_that_its_schema_takes(name: str) -> None:
    _, _, operation = OPERATIONS[name]
    for where, content in media_types(operation):
        if content["schema"].get("format") == "binary":
            continue
        examples = content.get("examples") or {"": {"value": content["example"]}}
        for example in examples.values():
            schema = {**content["schema"], "components": DOCUMENT["components"]}
            try:
                jsonschema_rs.validate(schema, example["value"])
            except jsonschema_rs.ValidationError as error:
                pytest.fail(f"{where}: {error.message}")


@each_operation
def test_each_response_is_described_and_its_headers_are(name: str) -> None:
    _, _, operation = OPERATIONS[name]
    assert {"405", "500"} <= operation["responses"].keys()
    for status, response in operation["responses"].items():
        assert response["description"], status
        assert "X-Request-ID" in response["headers"]
        for header in response["headers"].values():
            assert header["$ref"].rpartition("/")[2] in DOCUMENT["components"]["headers"]
        if status == "429":
            assert "Retry-After" in response["headers"]


def test_ids_of_operations_are_unique() -> None:
    count = sum(len(item) for item in DOCUMENT["paths"].values())
    assert len(OPERATIONS) == count


def test_row_ids_are_integers_and_the_credentials_are_alternatives() -> None:
    _, _, operation = OPERATIONS["thumbnails_retrieve"]
    [parameter] = operation["parameters"]
    assert parameter["schema"] == {
        "type": "integer", "format": "int64", "minimum": 1, "maximum": 10**18 - 1,
    }  # fmt: skip
    assert operation["security"] == [{"bearerJWT": []}, {"apiToken": []}, {"cookieJWT": []}]
    assert OPERATIONS["token_create"][2]["security"] == []


def test_a_sign_in_is_described_as_json_alone() -> None:
    for name in ("token_create", "jwt_login", "auth_sign_in", "auth_sign_up", "images_api_login"):
        assert list(OPERATIONS[name][2]["requestBody"]["content"]) == ["application/json"]


def test_tags_are_described_in_the_order_to_read_them() -> None:
    tags = DOCUMENT["tags"]
    assert [tag["name"] for tag in tags] == [
        *(contract.tag for contract in CONTRACTS), "files", "service",
    ]  # fmt: skip
    assert "Start here" in tags[0]["description"]
    assert all(tag["description"] for tag in tags)
    assert {operation["tags"][0] for _, _, operation in OPERATIONS.values()} == {
        tag["name"] for tag in tags
    }


def test_each_route_is_in_the_document() -> None:
    described = {re.sub("{[^}]*}", "{}", path).strip("/") for path in DOCUMENT["paths"]}
    there = {
        re.sub("<[^>]*>", "{}", route).strip("/")
        for route in routes()
        if route not in NOT_DESCRIBED
    }
    # One route serves files in any folder; there are only the accounts'.
    there = there - {"images/{}"} | {"images/users/{}/{}"}
    assert described == there


@pytest.mark.parametrize("path", make_plain_paths())
def test_routes_of_no_contract_answer_as_described(path: str) -> None:
    """With something that is not there; `test_schemathesis` asks for what is."""
    operation = make_plain_paths()[path]["get"]
    filled = path.replace("{user_id}", "5f0c7d0a-6a55-4c2e-8a0a-3b6f3c1d9e11")
    filled = filled.replace("{file_name}", "no.jpg").replace("{token}", "none")
    response = Client().get(filled)
    described = operation["responses"][str(response.status_code)]
    content_type = response.headers.get("Content-Type", "").partition(";")[0]
    assert content_type in {
        *described.get("content", {}),
        *([] if "content" in described else [""]),
    }
    assert Client().post(filled).status_code == 405


def described_operation(wrong: Wrong, account: User) -> dict[str, Any] | None:
    """Return the operation that a row of the error table asks."""
    address = wrong.path.format(account=account.pk)
    for path, item in DOCUMENT["paths"].items():
        if re.fullmatch(re.sub("{[^}]*}", "[^/]+", path), address):
            # The error of a method that the path has not is that of its other methods.
            operation: dict[str, Any] = item.get(wrong.method.lower()) or next(iter(item.values()))
            return operation
    return None


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("contract", ERRORS)
def test_the_examples_of_errors_are_what_is_sent(alice: User, contract: str, case: str) -> None:
    wrong = ERRORS[contract][case]
    operation = described_operation(wrong, alice)
    if operation is None:
        assert case == "unknown route"
        return
    response = operation["responses"][str(wrong.status)]
    [content] = response["content"].values()
    shown = [each["value"] for each in content["examples"].values()]
    sent = send(wrong, alice, case)
    assert sent.status_code == wrong.status
    text = sent.content.decode()
    given = text if isinstance(wrong.body, str) else json.loads(text)
    assert any(is_alike(given, each) for each in shown), (given, shown)
    assert [name for name in wrong.headers if name not in response["headers"]] == []


def is_alike(sent: Any, shown: Any) -> bool:
    """Compare but for numbers in a message, and the method that one names."""
    texts = [json.dumps(each, sort_keys=True) for each in (sent, shown)]
    first, second = (re.sub(r"\d+|(PUT|PATCH|DELETE)", "?", text) for text in texts)
    return first == second


@pytest.mark.nightly
@pytest.mark.usefixtures("client_modules")
def test_linters_find_nothing() -> None:
    """With their recommended rules; the exceptions are explained in the two files beside this."""
    document = str(HERE / "openapi.yaml")
    for command in (
        ["redocly", "lint", "--config", str(HERE / "redocly.yaml"), "--format", "json", document],
        ["spectral", "lint", "--ruleset", str(HERE / "spectral.yaml"), "--format", "json",
         "--quiet", "--fail-severity", "hint", document],
    ):  # fmt: skip
        environment = {**npm.node_environment(), "REDOCLY_TELEMETRY": "off"}
        found = subprocess.run(
            command, env=environment, cwd=HERE, capture_output=True, text=True, check=False
        )
        assert found.returncode == 0, found.stdout + found.stderr
        report = json.loads(found.stdout)
        problems = report if isinstance(report, list) else report["problems"]
        assert problems == []
