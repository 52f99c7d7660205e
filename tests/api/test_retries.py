"""Repeated uploads, and stated digests, at every route that takes pictures."""

import io
import json
from base64 import b64encode
from hashlib import sha256, sha512
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from images.models import IdempotencyKey, Picture
from images.retries import LEASE
from tests.api.test_openapi import DOCUMENT
from tests.api.test_request_bodies import without_length
from tests.clients import Client, Response
from tests.factories import find_permission
from tests.faults.contracts import UPLOAD_ROUTES
from tests.pictures import png

pytestmark = pytest.mark.django_db
PNG, OTHER_PNG = png(8, 6), png(9, 7)
each_contract = pytest.mark.parametrize("contract", UPLOAD_ROUTES)


def encode(contract: str, content: bytes, **fields: str) -> tuple[bytes, str]:
    """Return an upload's body and its type."""
    options = UPLOAD_ROUTES[contract].options_for(content)
    if "files" in options:
        [field] = options["files"]
        file = SimpleUploadedFile(fields.pop("file_name", "x.png"), content)
        return encode_multipart(BOUNDARY, {field: file, **fields}), MULTIPART_CONTENT
    return json.dumps({**options["json"], **fields}).encode(), "application/json"


def post(
    client: Client, contract: str, body: bytes, kind: str, *, path: str = "", **headers: str
) -> Response:
    path = path or UPLOAD_ROUTES[contract].path
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.generic("POST", path, body, kind, headers=named)


def upload(client: Client, contract: str, content: bytes = PNG, *, key: str = "k1") -> Response:
    return post(client, contract, *encode(contract, content), Idempotency_Key=key)


def upload_fields(client: Client, contract: str, fields: dict[str, str]) -> Response:
    return post(client, contract, *encode(contract, PNG, **fields), Idempotency_Key="k1")


def stored_picture(contract: str, response: Response) -> Picture:
    name, value = UPLOAD_ROUTES[contract].lookup(response.json())
    return Picture.objects.get(**{name: value})


@each_contract
def test_a_repeated_upload_is_answered_as_the_first_and_stored_once(
    contract: str, as_alice: Client
) -> None:
    first, again = (upload(as_alice, contract) for _ in range(2))
    assert first.status_code == again.status_code == UPLOAD_ROUTES[contract].stored_status
    assert first.json() == again.json()
    assert stored_picture(contract, again) == Picture.objects.get()
    assert upload(as_alice, contract, key="k2").json() != first.json()


def test_the_answer_is_written_anew(as_alice: Client, settings: Settings) -> None:
    """As the picture is by now, with an address that works for as long as any other."""
    first = upload(as_alice, "restful_api").json()
    settings.MEDIA_URL_WINDOW = 60
    again = upload(as_alice, "restful_api").json()
    assert again["id"] == first["id"]
    assert again["image"] != first["image"]
    assert as_alice.get(again["image"]).status_code == 200


def error(text: str) -> dict[str, str]:
    return {"error": text}


def messages(text: str) -> dict[str, Any]:
    return {"messages": [{"path": "", "message": text}]}


def numbered(text: str, status: int) -> dict[str, Any]:
    return {"message": text, "status_code": status}


INVALID = "Idempotency-Key must have 1 to 128 visible ASCII characters."
RUNNING = "The first upload with this Idempotency-Key is still running."
GONE = "The picture that was uploaded with this Idempotency-Key is deleted."
REUSED = "This Idempotency-Key came with another upload."
DIFFERS = "The body is not the one that Content-Digest names."
# By status, and by what is wrong.
REFUSALS: dict[str, dict[str, tuple[int, dict[str, Any]]]] = {
    "restful_api": {
        "invalid": (400, {"detail": INVALID}),
        "digest": (400, {"detail": DIFFERS}),
        "running": (409, {"detail": RUNNING}),
        "gone": (410, {"detail": GONE}),
        "reused": (422, {"detail": REUSED}),
    },
    "pictures_service": {
        "invalid": (400, error("Idempotency-Key debe tener de 1 a 128 caracteres ASCII visibles")),
        "digest": (400, error("Content-Digest no es válido o no corresponde al contenido")),
        "running": (409, error("La primera subida con esta Idempotency-Key aún no ha terminado")),
        "gone": (410, error("La imagen subida con esta Idempotency-Key ya no existe")),
        "reused": (422, error("Esta Idempotency-Key ya se usó con otra subida")),
    },
    "images_api": {
        "invalid": (400, numbered(INVALID, 400)),
        "digest": (400, numbered(DIFFERS, 400)),
        "running": (409, numbered(RUNNING, 409)),
        "gone": (410, numbered(GONE, 410)),
        "reused": (422, numbered(REUSED, 422)),
    },
    "image_service": {
        "invalid": (400, messages(INVALID)),
        "digest": (400, messages(DIFFERS)),
        "running": (409, error("Conflict")),
        "gone": (410, error("Gone")),
        "reused": (422, error("Unprocessable Entity")),
    },
}


def check_refusal(response: Response, contract: str, what: str) -> None:
    assert (response.status_code, response.json()) == REFUSALS[contract][what]


@each_contract
def test_refusals_are_in_the_contracts_shape(contract: str, as_alice: Client) -> None:
    upload(as_alice, contract)
    check_refusal(upload(as_alice, contract, OTHER_PNG), contract, "reused")
    row, now = IdempotencyKey.objects.get(), timezone.now()
    running = IdempotencyKey.objects.filter(pk=row.pk)
    running.update(picture_id=None, leased_until=now + LEASE)
    response = upload(as_alice, contract)
    check_refusal(response, contract, "running")
    assert response["Retry-After"] == "1"
    running.update(picture_id=row.picture_id)
    Picture.objects.all().delete()
    check_refusal(upload(as_alice, contract), contract, "gone")
    assert not Picture.objects.exists()


@each_contract
def test_a_key_is_visible_ascii(contract: str, as_alice: Client) -> None:
    for key in ("", "k" * 129, "two words", "schlüssel", "tab\there", "nul\0"):
        check_refusal(upload(as_alice, contract, key=key), contract, "invalid")
    assert not Picture.objects.exists()


def test_a_key_may_have_128_characters_of_any_visible_kind(as_alice: Client) -> None:
    key = ('"!#~' + "k" * 128)[:128]
    assert upload(as_alice, "image_service", key=key).status_code == 200
    assert IdempotencyKey.objects.get().key == key


@each_contract
def test_an_upload_that_is_refused_leaves_the_key_free(contract: str, as_alice: Client) -> None:
    assert upload(as_alice, contract, b"no picture").status_code == 400
    stored = upload(as_alice, contract)
    assert stored.status_code == UPLOAD_ROUTES[contract].stored_status


@each_contract
def test_a_key_is_the_accounts_own(contract: str, as_alice: Client, as_bob: Client) -> None:
    first, other = upload(as_alice, contract), upload(as_bob, contract, OTHER_PNG)
    assert first.status_code == other.status_code
    assert stored_picture(contract, first) != stored_picture(contract, other)


def test_a_key_counts_at_one_route(as_alice: Client) -> None:
    for contract in UPLOAD_ROUTES:
        response = upload(as_alice, contract)
        assert response.status_code == UPLOAD_ROUTES[contract].stored_status
    assert Picture.objects.count() == len(UPLOAD_ROUTES)
    body = encode("image_service", PNG)
    again = post(as_alice, "image_service", *body, path="/v1/image/", Idempotency_Key="k1")
    assert again.status_code == 200
    assert Picture.objects.count() == len(UPLOAD_ROUTES)


@pytest.mark.parametrize(
    ("contract", "first", "other"),
    [
        ("images_api", {"description": "a"}, {"description": "b"}),
        ("images_api", {"description": "a"}, {"description": "a", "new": ""}),
        ("image_service", {}, {"new": ""}),
        ("pictures_service", {}, {"userId": "{alice}"}),
        ("pictures_service", {"file_name": "a.png"}, {"file_name": "b.png"}),
        ("restful_api", {"file_name": "a.png"}, {"file_name": "b.png"}),
        ("restful_api", {"new": "a"}, {"new": "b"}),
        ("restful_api", {"metadata": '{"a": 1}'}, {"metadata": '{"a": 2}'}),
    ],
)
def test_other_fields_are_another_upload(
    contract: str, first: dict[str, str], other: dict[str, str], alice: User, as_alice: Client
) -> None:
    upload_fields(as_alice, contract, first)
    filled = {name: value.replace("{alice}", str(alice.pk)) for name, value in other.items()}
    check_refusal(upload_fields(as_alice, contract, filled), contract, "reused")
    again = upload_fields(as_alice, contract, first)
    assert again.status_code == UPLOAD_ROUTES[contract].stored_status


def test_another_socket_and_another_way_to_write_base64_are_the_same_upload(
    as_alice: Client,
) -> None:
    upload_fields(as_alice, "pictures_service", {"socketId": "a"})
    assert upload_fields(as_alice, "pictures_service", {"socketId": "b"}).status_code == 201
    upload(as_alice, "image_service")
    text = b64encode(PNG).decode()
    data_uri = f"data:image/png;base64,{text[:8]}\n{text[8:]}"
    assert upload_fields(as_alice, "image_service", {"image": data_uri}).status_code == 200
    assert Picture.objects.count() == 2


def test_a_key_of_staff_who_upload_for_another_is_their_own(
    alice: User, bob: User, as_alice: Client, as_bob: Client
) -> None:
    bob.is_staff = True
    bob.save()
    bob.user_permissions.add(find_permission("images.add_picture"))
    first = upload_fields(as_bob, "pictures_service", {"userId": str(alice.pk)})
    again = upload_fields(as_bob, "pictures_service", {"userId": str(alice.pk)})
    assert first.json()["picture"]["id"] == again.json()["picture"]["id"]
    assert upload(as_alice, "pictures_service").status_code == 201
    assert Picture.objects.owned_by(alice).count() == 2


def test_routes_that_take_no_picture_read_no_such_header(as_alice: Client) -> None:
    headers = {"Idempotency-Key": "", "Content-Digest": "nonsense"}
    assert as_alice.get("/api/user/images/", headers=headers).status_code == 200


# --- Content-Digest -----------------------------------------------------------------------------


def digest(name: str, body: bytes) -> str:
    hasher = {"sha-256": sha256, "sha-512": sha512}[name]
    return f"{name}=:{b64encode(hasher(body).digest()).decode()}:"


@each_contract
def test_a_body_that_its_digest_names_is_taken(contract: str, as_alice: Client) -> None:
    body, kind = encode(contract, PNG)
    small, large = digest("sha-256", body), digest("sha-512", body)
    for header in (small, large, f"{large} , {small};x=1", "md5=:AAAA:", f"md5=:AAAA:,{small}"):
        response = post(as_alice, contract, body, kind, Content_Digest=header)
        assert response.status_code == UPLOAD_ROUTES[contract].stored_status, header


@each_contract
def test_a_body_that_differs_from_its_digest_is_refused(contract: str, as_alice: Client) -> None:
    body, kind = encode(contract, PNG)
    good, other = digest("sha-256", body), digest("sha-512", body + b" ")
    for header in (digest("sha-256", PNG), other, f"{good}, {other}", "sha-256=:AAAA:"):
        response = post(as_alice, contract, body, kind, Content_Digest=header, Idempotency_Key="k1")
        check_refusal(response, contract, "digest")
    assert not Picture.objects.exists()
    assert not IdempotencyKey.objects.exists()


def test_a_digest_that_cannot_be_read_is_refused(as_alice: Client) -> None:
    body, kind = encode("restful_api", PNG)
    for header in (
        "", "sha-256", "sha-256=abc", "SHA-256=:AAAA:", "sha-256=:A:", "sha-256=:AA=A:", ",",
    ):  # fmt: skip
        response = post(as_alice, "restful_api", body, kind, Content_Digest=header)
        assert response.status_code == 400
        assert response.json() == {"detail": "Content-Digest cannot be read: see RFC 9530."}


@each_contract
def test_a_body_without_a_length_is_compared_too(contract: str, as_alice: Client) -> None:
    body, kind = encode(contract, PNG)
    path, stored = UPLOAD_ROUTES[contract].path, UPLOAD_ROUTES[contract].stored_status
    for named, status in ((body, stored), (body + b" ", 400)):
        headers = {"Content-Digest": digest("sha-256", named)}
        extra = without_length(io.BytesIO(body), kind)
        response = as_alice.generic("POST", path, headers=headers, **extra)
        assert response.status_code == status
    assert Picture.objects.count() == 1


@each_contract
def test_both_headers_and_their_refusals_are_in_the_document(contract: str) -> None:
    operation = DOCUMENT["paths"][UPLOAD_ROUTES[contract].path]["post"]
    headers = {each["name"] for each in operation["parameters"] if each["in"] == "header"}
    assert headers >= {"Idempotency-Key", "Content-Digest"}
    assert operation["responses"].keys() >= {"400", "409", "410", "422"}
    assert "Retry-After" in operation["responses"]["409"]["headers"]
