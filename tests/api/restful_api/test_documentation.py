"""The OpenAPI document and its page: formats, languages, errors."""

import html
import json
import re
from typing import Any

import pytest
import yaml
from django.conf import settings

from api.restful_api.client_examples import client_examples
from api.restful_api.documentation import render_document
from tests.api.json_schema import generated_document
from tests.clients import Client

pytestmark = pytest.mark.django_db


@pytest.fixture
def document() -> dict[str, Any]:
    return generated_document()


@pytest.mark.unhurried
@pytest.mark.parametrize("query", ["", "?format=json", "?lang=es", "?format=yaml&lang=en"])
def test_the_document_is_served(query: str) -> None:
    assert Client().get(f"/api/schema/{query}").status_code == 200


@pytest.mark.unhurried
@pytest.mark.parametrize(
    ("query", "accept", "content_type", "name"),
    [
        ("", "*/*", "application/vnd.oai.openapi; charset=utf-8", "Tintype.yaml"),
        ("", "application/yaml", "application/yaml; charset=utf-8", "Tintype.yaml"),
        ("", "application/json", "application/json", "Tintype.json"),
        ("?format=json", "*/*", "application/vnd.oai.openapi+json", "Tintype.json"),
    ],
)
def test_the_client_chooses_the_format(
    document: dict[str, Any], query: str, accept: str, content_type: str, name: str
) -> None:
    response = Client().get(f"/api/schema/{query}", headers={"Accept": accept})
    assert response["Content-Type"] == content_type
    assert response["Content-Disposition"] == f'inline; filename="{name}"'
    # Every JSON document is YAML too.
    given = yaml.load(response.content, yaml.CSafeLoader)  # in a tenth of the time
    assert given == json.loads(json.dumps(document))


def test_the_document_is_rendered_once_for_each_format_and_language() -> None:
    """Nobody can have it rendered, or cached, once more by an unknown version, language or host."""
    responses = {
        Client().get(f"/api/schema/?format=json&{query}", headers={"Host": host}).content
        for query in ("", "lang=en", "lang=nope", "version=9", "version=8&lang=zz")
        for host in ("testserver", "localhost")
    }
    assert len(responses) == 1
    before = render_document.cache_info().misses
    Client().get("/api/schema/?format=json&version=7&lang=yy")
    assert render_document.cache_info().misses == before
    # Two formats, two languages.
    assert render_document.cache_info().currsize <= 4


NO_SUCH_FORMAT = "Could not satisfy the request Accept header."


@pytest.mark.parametrize("path", ["/api/schema/", "/api/docs/"])
@pytest.mark.parametrize(
    ("method", "query", "accept", "status", "detail"),
    [
        ("GET", "?format=nope", "*/*", 404, "Not found."),
        ("GET", "", "image/png", 406, NO_SUCH_FORMAT),
        ("POST", "", "*/*", 405, 'Method "POST" not allowed.'),
        ("OPTIONS", "", "*/*", 405, 'Method "OPTIONS" not allowed.'),
    ],
)
def test_the_errors_of_the_documentation_have_its_contracts_shape(
    path: str, method: str, query: str, accept: str, status: int, detail: str
) -> None:
    response = Client().generic(method, path + query, headers={"Accept": accept})
    assert (response.status_code, response["Content-Type"]) == (status, "application/json")
    assert response.json() == {"detail": detail}
    assert response["Allow"] == "GET, HEAD"


def test_the_docs_page_loads_nothing_from_elsewhere() -> None:
    page = Client().get("/api/docs/").content.decode()
    assert 'src="/static/' in page
    assert not re.search(r'(src|href)="https?://', page)


def test_the_page_shows_the_programs_of_the_clients_page() -> None:
    page = html.unescape(Client().get("/api/docs/").content.decode())
    examples = client_examples()
    assert [each.title for each in examples] == ["curl", "Python", "TypeScript"]
    for each in examples:
        assert each.program in (settings.BASE_DIR / "docs" / "clients.md").read_text()
        assert f"<code>{each.program}</code>" in page


def test_the_page_runs_scripts_of_files_alone() -> None:
    response = Client().get("/api/docs/")
    assert "<script>" not in response.content.decode()
    policy = response.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "unsafe-eval" not in policy


def test_the_asyncapi_document_is_served_where_the_openapi_document_says() -> None:
    document = json.loads(Client().get("/api/schema/?format=json").content)
    response = Client().get(document["externalDocs"]["url"])
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("application/yaml")
    assert response.content == (settings.BASE_DIR / "docs" / "asyncapi.yaml").read_bytes()
