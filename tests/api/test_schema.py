"""The OpenAPI document: valid, and every route answers what it says."""

import json
import re
from io import BytesIO
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from django.core.management import call_command
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from api.restful_api.documentation import render_document
from tests.clients import Client
from tests.factories import PASSWORD, make_picture
from tests.pictures import jpeg, png

pytestmark = pytest.mark.django_db

SNAPSHOT = Path(__file__).with_name("openapi.yaml")


@pytest.fixture(scope="module")
def document():
    made: dict[str, Any] = SchemaGenerator().get_schema(public=True)
    return made


def test_the_document_is_valid(document):
    validate_schema(document)


def test_the_document_is_the_one_that_is_committed(tmp_path):
    call_command("spectacular", file=str(tmp_path / "openapi.yaml"))
    is_same = (tmp_path / "openapi.yaml").read_bytes() == SNAPSHOT.read_bytes()
    assert is_same, (
        "The OpenAPI document changed. If clients are to see that, renew the snapshot by\n"
        "    ./dev manage spectacular --file tests/api/openapi.yaml\n"
        "and read its difference before it is committed."
    )


@pytest.mark.parametrize("query", ["", "?format=json", "?lang=es", "?format=yaml&lang=en"])
def test_the_document_is_served(query):
    assert Client().get(f"/api/schema/{query}").status_code == 200


@pytest.mark.parametrize(
    ("query", "accept", "content_type", "name"),
    [
        ("", "*/*", "application/vnd.oai.openapi; charset=utf-8", "Tintype.yaml"),
        ("", "application/yaml", "application/yaml; charset=utf-8", "Tintype.yaml"),
        ("", "application/json", "application/json", "Tintype.json"),
        ("?format=json", "*/*", "application/vnd.oai.openapi+json", "Tintype.json"),
    ],
)
def test_the_client_chooses_the_format(document, query, accept, content_type, name):
    response = Client().get(f"/api/schema/{query}", headers={"Accept": accept})
    assert response["Content-Type"] == content_type
    assert response["Content-Disposition"] == f'inline; filename="{name}"'
    # Every JSON document is YAML too.
    assert yaml.safe_load(response.content) == json.loads(json.dumps(document))


def test_the_document_is_written_once_for_each_format_and_language():
    """Nobody can have it written, or kept, once more by an unknown version, language or host."""
    answers = {
        Client().get(f"/api/schema/?format=json&{query}", headers={"Host": host}).content
        for query in ("", "lang=en", "lang=nope", "version=9", "version=8&lang=zz")
        for host in ("testserver", "localhost")
    }
    assert len(answers) == 1
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
def test_the_documentation_words_errors_as_its_door_does(
    path, method, query, accept, status, detail
):
    response = Client().generic(method, path + query, headers={"Accept": accept})
    assert (response.status_code, response["Content-Type"]) == (status, "application/json")
    assert response.json() == {"detail": detail}
    assert response["Allow"] == "GET, HEAD"


def test_the_docs_page_loads_nothing_from_elsewhere():
    page = Client().get("/api/docs/").content.decode()
    assert 'src="/static/' in page
    assert not re.search(r'(src|href)="https?://', page)


def check(document, method, path, response):
    """Hold one answer against the document."""
    operation = document["paths"][path][method]
    described = operation["responses"][str(response.status_code)]
    if "content" not in described:
        assert response.content == b""
        return
    schema = {
        **described["content"]["application/json"]["schema"],
        "components": document["components"],
    }
    jsonschema.validate(response.json(), schema)


def test_every_route_answers_what_the_document_says(
    document, alice, as_alice, as_bob, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        picture = make_picture(alice, jpeg(900, 600))
    thumbnail = picture.thumbnails.earliest("height")
    body = {"username": "alice", "password": PASSWORD}
    anyone = Client()
    upload = {"image": BytesIO(png(30, 20))}
    answers = [
        ("post", "/api/user/token/", anyone.post("/api/user/token/", body)),
        ("post", "/api/user/token/", anyone.post("/api/user/token/", {})),
        ("post", "/api/user/jwt-login/", anyone.post("/api/user/jwt-login/", body)),
        ("post", "/api/user/jwt-logout/", Client().post("/api/user/jwt-logout/")),
        ("get", "/api/user/images/", as_alice.get("/api/user/images/")),
        ("get", "/api/user/images/", as_alice.get("/api/user/images/?limit=x")),
        ("get", "/api/user/images/", Client().get("/api/user/images/")),
        ("post", "/api/user/images/", as_alice.post("/api/user/images/", upload)),
        ("post", "/api/user/images/", as_alice.post("/api/user/images/", {})),
        ("get", "/api/user/images/{id}/", as_alice.get(f"/api/user/images/{picture.pk}/")),
        ("get", "/api/user/images/{id}/", as_bob.get(f"/api/user/images/{picture.pk}/")),
        ("get", "/api/user/thumbnails/", as_alice.get("/api/user/thumbnails/")),
        (
            "get",
            "/api/user/thumbnails/{id}/",
            as_alice.get(f"/api/user/thumbnails/{thumbnail.pk}/"),
        ),
        (
            "delete",
            "/api/user/thumbnails/{id}/",
            as_alice.delete(f"/api/user/thumbnails/{thumbnail.pk}/"),
        ),
        ("get", "/api/user/link/{id}/", as_alice.get(f"/api/user/link/{picture.pk}/?time=300")),
        ("get", "/api/user/link/{id}/", as_alice.get(f"/api/user/link/{picture.pk}/?time=1")),
        ("get", "/api/user/events/", as_alice.get("/api/user/events/?since=0")),
        ("get", "/api/user/events/", as_alice.get("/api/user/events/?since=x")),
        ("delete", "/api/user/images/{id}/", as_alice.delete(f"/api/user/images/{picture.pk}/")),
    ]
    for method, path, response in answers:
        check(document, method, path, response)
    assert {path for _, path, _ in answers} == {
        p for p in document["paths"] if p.startswith("/api/user/")
    }
