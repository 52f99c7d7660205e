"""Bodies as clients send them, at every route that takes one."""

import gzip
import io
import json
import re
from base64 import b64encode
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.urls import resolve
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import User
from api.contracts import contract_at
from images.models import Picture
from tests.api.access_requests import fill_in, known_ids
from tests.api.access_table import ROWS_BY_CONTRACT, Row
from tests.clients import Client, Response
from tests.factories import PASSWORD, make_picture, make_user, tier, token_client
from tests.pictures import jpeg, png
from tests.transactions import undone

pytestmark = pytest.mark.django_db
WRITES = [
    row
    for rows in ROWS_BY_CONTRACT.values()
    for row in rows
    if (row.body or row.file_field)
    and "userId" not in row.body
    # What is refused whatever the body says need not read it.
    and row.expected("owner", "private", "Enterprise").startswith("2")
]
JSON_WRITES = [row for row in WRITES if not row.file_field]


def without_length(body: io.BytesIO, content_type: str) -> dict[str, Any]:
    """Return what granian and config/asgi.py make of a body in chunks."""
    return {
        "wsgi.input": body, "wsgi.input_terminated": True, "CONTENT_LENGTH": "",
        "CONTENT_TYPE": content_type, "HTTP_TRANSFER_ENCODING": "chunked",
    }  # fmt: skip


class Requests:
    """Sends the rows' requests, each undone afterwards."""

    def __init__(self, callbacks: DjangoCaptureOnCommitCallbacks) -> None:
        tier("Premium")  # new accounts get it
        owner = make_user("owner", "Enterprise")
        self._client = token_client(owner)
        with callbacks(execute=True):
            picture = make_picture(owner, jpeg(640, 500))
        self.ids = known_ids(owner, picture, picture)

    def path(self, row: Row) -> str:
        return row.path.format(**self.ids)

    def one_for_each_parser(self) -> list[Row]:
        """Return rows of each contract whose views read JSON by different parsers.

        What others do with a body is what one of these does.
        """
        found = {}
        for row in JSON_WRITES:
            view: Any = resolve(self.path(row)).func
            found[contract_at(row.path).name, *view.view_class.parser_classes] = row
        return [*found.values()]

    def body(self, row: Row) -> tuple[bytes, str]:
        fields = {name: fill_in(value, self.ids) for name, value in row.body.items()}
        if row.file_field:
            form = {**fields, row.file_field: SimpleUploadedFile("x.png", png(8, 8))}
            return encode_multipart(BOUNDARY, form), MULTIPART_CONTENT
        return json.dumps(fields).encode(), "application/json"

    def send(self, row: Row, body: bytes, content_type: str, **headers: str) -> Response:
        with undone():
            return self._client.generic(
                row.method, self.path(row), body, content_type=content_type, headers=headers
            )

    def send_in_chunks(self, row: Row, body: bytes, content_type: str) -> Response:
        with undone():
            extra = without_length(io.BytesIO(body), content_type)
            return self._client.generic(row.method, self.path(row), **extra)


@pytest.fixture
def requests(django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks) -> Requests:
    return Requests(django_capture_on_commit_callbacks)


def has_the_contracts_shape(row: Row, response: Response) -> bool:
    shapes = {"restful_api": "detail", "images_api": "status_code"}
    contract = contract_at(row.path).name
    return shapes.get(contract, "error") in response.json()


@pytest.mark.unhurried
def test_a_body_without_a_length_is_read_like_others(requests: Requests) -> None:
    given = {
        (row.method, row.path): requests.send_in_chunks(row, *requests.body(row)).status_code
        for row in WRITES
    }
    expected = {
        (row.method, row.path): int(row.expected("owner", "private", "Enterprise").split()[0])
        for row in WRITES
    }
    assert given == expected


@pytest.mark.unhurried
def test_a_body_without_a_length_is_bounded_like_others(requests: Requests) -> None:
    for row in WRITES:
        _, content_type = requests.body(row)
        response = requests.send_in_chunks(row, b"x" * 22_000_000, content_type)
        assert response.status_code == 413, row.path
        assert has_the_contracts_shape(row, response), row.path
    assert Picture.objects.count() == 1


def test_an_empty_body_in_chunks_is_no_body(requests: Requests) -> None:
    for row in JSON_WRITES:
        given = requests.send_in_chunks(row, b"", "application/json")
        assert given.status_code == requests.send(row, b"", "application/json").status_code, (
            row.path
        )


@pytest.mark.unhurried
def test_a_compressed_body_is_415_and_says_what_is_taken(requests: Requests) -> None:
    for row in WRITES:
        body, content_type = requests.body(row)
        for coding in ("gzip", "GZIP", "br", "identity, gzip"):
            headers = {"Content-Encoding": coding}
            response = requests.send(row, gzip.compress(body), content_type, **headers)
            assert (response.status_code, response["Accept-Encoding"]) == (415, "identity")
            assert has_the_contracts_shape(row, response), row.path
        taken = requests.send(row, body, content_type, **{"Content-Encoding": "identity"})
        assert taken.status_code < 300, row.path


@pytest.mark.unhurried
def test_json_is_read_with_a_byte_order_mark_in_any_case_and_charset(
    requests: Requests, settings: Settings
) -> None:
    settings.RATE_LIMITS = False

    def variants(text: str) -> list[tuple[bytes, str]]:
        return [
            (b"\xef\xbb\xbf" + text.encode(), "Application/JSON; Charset=UTF-8"),
            (b"\xef\xbb\xbf" + text.encode(), "application/json"),
            (text.encode(), 'APPLICATION/JSON;charset="utf-8"'),
            (text.encode("utf-16"), "application/json"),
            (text.encode("utf-16"), "application/json; charset=UTF-16"),
            (text.encode("latin-1"), "application/json; charset=ISO-8859-1"),
            (text.encode(), ""),
        ]

    for rows, count in ((JSON_WRITES, 1), (requests.one_for_each_parser(), None)):
        for row in rows:
            for body, content_type in variants(requests.body(row)[0].decode())[:count]:
                response = requests.send(row, body, content_type)
                assert response.status_code < 300, (row.path, body[:20], content_type)


CHARSETS = ["nonsense", "bz2", "unicode_escape", "idna", "utf-7", "rot13"]


@pytest.mark.parametrize("charset", CHARSETS)
def test_another_charset_is_415(requests: Requests, charset: str) -> None:
    for row in JSON_WRITES if charset == CHARSETS[0] else requests.one_for_each_parser():
        body, content_type = requests.body(row)
        response = requests.send(row, body, f"{content_type}; charset={charset}")
        assert response.status_code == 415, row.path
        assert has_the_contracts_shape(row, response), row.path


NO_JSON = [
    b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999", b'"\\ud800"', b"\"\xff\"", b'"\\x"',
    b"1" * 5000, b"'x'", b"[1,]", b'"a" "b"',
]  # fmt: skip


@pytest.mark.parametrize("value", NO_JSON, ids=lambda value: value[:9].decode("latin-1"))
def test_what_is_no_json_is_400_everywhere_even_in_a_field_that_nobody_reads(
    requests: Requests, value: bytes
) -> None:
    for row in JSON_WRITES if value == NO_JSON[0] else requests.one_for_each_parser():
        body = requests.body(row)[0]
        for given in (value, body[:-1] + b',"unread":' + value + b"}"):
            assert requests.send(row, given, "application/json").status_code == 400, row.path


def test_json_of_another_kind_than_an_object_is_400(requests: Requests) -> None:
    for row in JSON_WRITES:
        for value in (b"[]", b"null", b"1", b'"x"', b"true", b"[{}]", b'[["login"]]'):
            given = requests.send(row, value, "application/json").status_code
            assert given == 400, (row.path, value)


# --- Forms ----------------------------------------------------------------------------------------

FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize("content_type", [FORM, "Application/X-WWW-Form-Urlencoded; Charset=UTF-8"])
def test_the_auth_service_takes_forms(alice: User, content_type: str) -> None:
    def post(path: str, body: bytes, token: str = "") -> Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return Client(headers=headers).generic("POST", path, body, content_type=content_type)

    tier("Premium")
    made = post("/auth/signup", b"name=Ana+L%C3%B3pez&login=ana.form&password=quite+a+phrase%21")
    assert made.status_code == 200, made.content
    assert User.objects.get(username="ana.form").name == "Ana López"
    signed_in = post("/auth/signin", b"login=ana.form&password=quite+a+phrase%21")
    changed = post(
        "/auth/password",
        b"currentPassword=quite+a+phrase!&newPassword=quite+another+one%21",
        signed_in.json()["token"],
    )
    assert (changed.status_code, changed.content) == (200, b"")
    again = post("/auth/signin", b"login=ana.form&password=quite+another+one%21")
    assert again.status_code == 200
    missing = post("/auth/signin", b"login=ana.form")
    assert (missing.status_code, missing.json()["messages"][0]["path"]) == (400, "password")


@pytest.mark.parametrize("body", [b"login=alice&password=%FF%FE", b"login=alice&password=\xff"])
def test_a_form_that_is_not_in_its_charset_is_400(alice: User, body: bytes) -> None:
    response = Client().generic("POST", "/auth/signin", body, content_type=FORM)
    assert (response.status_code, list(response.json())) == (400, ["messages"])
    latin = f"{FORM}; charset=ISO-8859-1"
    assert Client().generic("POST", "/auth/signin", body, content_type=latin).status_code == 400
    assert (
        response.json() != Client().generic("POST", "/auth/signin", body, content_type=latin).json()
    )


PLUSES = "data:image/jpeg;base64," + b64encode(jpeg(100, 80)).decode()


def spellings() -> dict[str, bytes]:
    text = PLUSES.encode()
    plain = text.partition(b",")[2]
    assert b"+" in plain
    escaped = text.replace(b"+", b"%2B")
    lines = b"%0D%0A".join(re.findall(rb".{1,76}", plain.replace(b"+", b"%2B")))
    return {
        "escaped": escaped.replace(b"/", b"%2F").replace(b"=", b"%3D"),
        "every character escaped": b"".join(b"%%%02x" % each for each in text),
        "a bare plus": text,
        "a blank": text.replace(b"+", b"%20"),
        "plain base64": plain,
        "in lines": lines,
        "in lines that became blanks": lines.replace(b"%0D%0A", b"+"),
        "a blank at the end": plain + b"+",
    }


@pytest.mark.parametrize("spelling", spellings().values(), ids=spellings())
def test_the_image_service_takes_forms(alice: User, spelling: bytes) -> None:
    form = b"image=" + spelling
    response = token_client(alice).generic("POST", "/image", form, content_type=FORM)
    assert response.status_code == 200, response.content
    read = token_client(alice).get(f"/image/{response.json()['id']}")
    assert json.loads(read.getvalue())["image"] == PLUSES


def test_a_form_with_too_large_a_picture_is_413(alice: User) -> None:
    body = b"image=" + b"A" * 22_000_000
    response = token_client(alice).generic("POST", "/image", body, content_type=FORM)
    assert (response.status_code, list(response.json())) == (413, ["error"])


def test_a_charset_of_the_body_does_not_change_how_a_query_is_read(alice: User) -> None:
    for charset in ("utf-16", "bz2", "nonsense", "latin-1"):
        response = token_client(alice).get(
            "/api/user/images/?limit=0", content_type=f"application/json; charset={charset}"
        )
        assert (response.status_code, list(response.json())) == (400, ["limit"]), charset


def test_a_client_that_goes_away_has_sent_nothing(alice: User) -> None:
    class Cut(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            piece = super().read(size)
            if not piece:
                raise ConnectionResetError
            return piece

    body = Cut(f"login=alice&password={PASSWORD}".encode())
    response = Client().generic("POST", "/auth/signin", **without_length(body, FORM))
    assert response.status_code == 400
