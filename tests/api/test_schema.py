"""The OpenAPI document: valid, and every route answers what it says."""

import re
from io import BytesIO

import jsonschema
import pytest
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from tests.clients import Client
from tests.factories import PASSWORD, make_picture
from tests.pictures import jpeg, png

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def document():
    return SchemaGenerator().get_schema(public=True)


def test_the_document_is_valid(document):
    validate_schema(document)


@pytest.mark.parametrize("query", ["", "?format=json", "?lang=es", "?format=yaml&lang=en"])
def test_the_document_is_served(query):
    assert Client().get(f"/api/schema/{query}").status_code == 200


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
    thumbnail = picture.thumbnails.first()
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
