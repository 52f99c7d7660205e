"""Every response has exactly the shape that the OpenAPI document declares for it.

The serializers of a contract document its output, plain functions beside them build it: this keeps
the two alike, for every route and method, whoever asks.
"""

import json
import re
from typing import Any

import jsonschema_rs
import pytest
from pytest_django import Settings

from api.contracts import CONTRACTS, Contract
from images.services import activate
from tests.api.access_requests import UPLOAD, clients_of, guesses, known_ids, send
from tests.api.access_table import PEOPLE, ROWS_BY_CONTRACT, Row
from tests.api.json_schema import generated_document, with_null
from tests.clients import Client, Response
from tests.factories import make_picture
from tests.transactions import undone

pytestmark = pytest.mark.django_db


class StrictDocument:
    """The document with no object left that allows members it does not name."""

    def __init__(self) -> None:
        self.all: dict[str, Any] = with_null(generated_document())
        self._validators: dict[str, jsonschema_rs.Validator] = {}
        for schema in self.all["components"]["schemas"].values():
            if "properties" in schema:
                schema.setdefault("additionalProperties", False)

    def check(self, method: str, response: Response) -> None:
        """Raise an error where a response is not as documented."""
        operation = self.all["paths"][documented_path(response)][method.lower()]
        documented = operation["responses"][str(response.status_code)]
        body = response.getvalue()
        if "content" not in documented:
            assert body == b""
            return
        content_type = response["Content-Type"].partition(";")[0]
        schema = documented["content"][content_type]["schema"]
        if content_type == "application/json":
            self._validator_of(schema).validate(json.loads(body))

    def _validator_of(self, schema: dict[str, Any]) -> jsonschema_rs.Validator:
        """Return one that is compiled once, however many responses it looks at."""
        key = json.dumps(schema)
        if key not in self._validators:
            with_components = {**schema, "components": self.all["components"]}
            self._validators[key] = jsonschema_rs.validator_for(with_components)
        return self._validators[key]


@pytest.fixture(scope="module")
def document() -> StrictDocument:
    return StrictDocument()


def documented_path(response: Response) -> str:
    """Write a response's route as the document does: the key `pk` is its `id`."""
    route = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", response.resolver_match.route)
    return "/" + route.replace("{pk}", "{id}")


def rows_of(contract: Contract) -> list[Row]:
    """Return the contract's rows; those of the document itself are not in it."""
    rows = ROWS_BY_CONTRACT[contract.name]
    return [row for row in rows if not row.path.startswith(("/api/docs/", "/api/schema/"))]


def people_of(row: Row, *, others: bool) -> list[str]:
    """Return one of those for each outcome that the table states, or the others."""
    chosen = row.people_of_each_outcome("members", "Enterprise")
    return [each for each in PEOPLE if each not in chosen] if others else chosen


@pytest.mark.unhurried
@pytest.mark.parametrize(
    "others", [False, pytest.param(True, marks=pytest.mark.nightly)], ids=["outcomes", "others"]
)
@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.name)
def test_what_a_contract_sends_is_what_its_serializers_document(
    settings: Settings,
    contract: Contract,
    others: bool,
    document: StrictDocument,
    django_capture_on_commit_callbacks: Any,
) -> None:
    settings.RATE_LIMITS = False  # they all send from one address
    clients, owner = clients_of("Enterprise")
    with django_capture_on_commit_callbacks(execute=True):
        picture, active = (make_picture(owner, UPLOAD, visibility="members") for _ in range(2))
        activate(active)
    known = known_ids(owner, picture, active)
    checked: set[str] = set()
    for row in rows_of(contract):
        for person in people_of(row, others=others):
            ids = guesses(known) if person == "stranger" else known
            with undone():
                response = send(clients[person], row, ids)
            document.check(row.method, response)
            checked.add(documented_path(response))
    tagged = {
        path
        for path, operations in document.all["paths"].items()
        if any(contract.tag in each["tags"] for each in operations.values())
    }
    assert checked == tagged


def test_a_member_that_no_serializer_documents_is_found(as_alice: Client) -> None:
    response = as_alice.get("/auth/currentUser")
    document = StrictDocument()
    document.check("GET", response)
    document = StrictDocument()
    del document.all["components"]["schemas"]["AuthServiceUser"]["properties"]["roles"]
    with pytest.raises(jsonschema_rs.ValidationError):
        document.check("GET", response)
