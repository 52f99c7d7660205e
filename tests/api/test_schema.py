"""The OpenAPI document: valid, unchanged, and what every route of `/api/user/` sends."""

import json
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from django.core.management import call_command
from drf_spectacular.renderers import OpenApiJsonRenderer
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import User
from images.links import make_link
from tests.api.json_schema import generated_document, with_null
from tests.clients import Client, Response
from tests.factories import PASSWORD, make_picture
from tests.pictures import jpeg, png

pytestmark = pytest.mark.django_db

SNAPSHOT = Path(__file__).with_name("openapi.yaml")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return generated_document()


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    """As `spectacular --validate` asks it, by a library that takes no second to load."""
    package = find_spec("drf_spectacular")
    assert package
    assert package.origin
    folder = Path(package.origin).with_name("validation")
    specification = json.loads((folder / "openapi_3_0_schema.json").read_text())
    plain = json.loads(OpenApiJsonRenderer().render(document))
    assert plain["openapi"].startswith("3.0")
    jsonschema_rs.validate(specification, plain)
    del plain["info"]["title"]
    assert not jsonschema_rs.is_valid(specification, plain)


def test_the_document_is_the_one_that_is_committed(tmp_path: Path) -> None:
    call_command("spectacular", file=str(tmp_path / "openapi.yaml"))
    is_same = (tmp_path / "openapi.yaml").read_bytes() == SNAPSHOT.read_bytes()
    assert is_same, (
        "The OpenAPI document changed. If clients are to see that, renew the snapshot by\n"
        "    ./dev manage spectacular --file tests/api/openapi.yaml\n"
        "and read its difference before it is committed."
    )


def check(document: dict[str, Any], method: str, path: str, response: Response) -> None:
    """Compare one response with the document."""
    operation = document["paths"][path][method]
    described = operation["responses"][str(response.status_code)]
    if "content" not in described:
        assert response.content == b""
        return
    schema = with_null(
        {
            **described["content"]["application/json"]["schema"],
            "components": document["components"],
        }
    )
    jsonschema_rs.validate(schema, response.json())


def test_the_main_routes_of_api_user_return_what_the_document_says(
    document: dict[str, Any],
    alice: User,
    as_alice: Client,
    as_bob: Client,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        picture = make_picture(alice, jpeg(900, 600))
    thumbnail = picture.thumbnails.earliest("height")
    link_id = make_link(maker=alice, picture=picture, seconds=300)[0].pk
    body = {"username": "alice", "password": PASSWORD}
    anyone = Client()
    upload = {"image": BytesIO(png(30, 20))}
    responses = [
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
        ("get", "/api/user/links/", as_alice.get("/api/user/links/")),
        ("get", "/api/user/links/{id}/", as_alice.get(f"/api/user/links/{link_id}/")),
        ("get", "/api/user/events/", as_alice.get("/api/user/events/?since=0")),
        ("get", "/api/user/events/", as_alice.get("/api/user/events/?since=x")),
        ("delete", "/api/user/images/{id}/", as_alice.delete(f"/api/user/images/{picture.pk}/")),
    ]
    for method, path, response in responses:
        check(document, method, path, response)
