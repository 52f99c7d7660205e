"""Forms with a file as clients write them, at both contracts that take one."""

from base64 import encodebytes
from typing import NamedTuple

import pytest

from accounts.models import User
from images.models import Picture
from tests.clients import Response
from tests.factories import token_client
from tests.pictures import png

pytestmark = pytest.mark.django_db
PICTURE = png(30, 20)


class Upload(NamedTuple):
    path: str
    field: str


UPLOADS = [Upload("/api/user/images/", "image"), Upload("/pictures/create-picture", "file")]
each_upload = pytest.mark.parametrize("upload", UPLOADS, ids=lambda upload: upload.field)


def part(disposition: str, content: bytes, *headers: str) -> bytes:
    lines = [f"Content-Disposition: form-data; {disposition}", *headers, "", ""]
    return b"--limit\r\n" + "\r\n".join(lines).encode() + content + b"\r\n"


QUOTED = 'multipart/form-data; boundary="limit"'


def send(alice: User, upload: Upload, form: bytes, content_type: str = QUOTED) -> Response:
    """Send a form whose file field is called `FIELD`."""
    body = form.replace(b"FIELD", upload.field.encode())
    return token_client(alice).generic("POST", upload.path, body, content_type=content_type)


END = b"--limit--\r\n"
NAMED = part('name="FIELD"; filename="a.png"', PICTURE)
UNNAMED = part('name="FIELD"', PICTURE)
BASE64 = "Content-Transfer-Encoding: base64"
LINES = encodebytes(PICTURE).replace(b"\n", b"\r\n")
WHOLE = {
    "a file name": NAMED + END,
    "no file name": UNNAMED + END,
    "no file name, but a type": part('name="FIELD"', PICTURE, "Content-Type: image/png") + END,
    "an empty file name": part('name="FIELD"; filename=""', PICTURE) + END,
    "no quotes": part("name=FIELD; filename=a.png", PICTURE) + END,
    "capitals": NAMED.replace(b"Disposition: form-data; name", b"DISPOSITION: Form-Data; NAME")
    + END,
    "a preamble and an epilogue": b"For old readers.\r\n" + NAMED + END + b"More of it.",
    "fields around it": part('name="socketId"', b"x")
    + UNNAMED
    + part('name="n"', b"\xc3\xb1")
    + END,
    "base64": part('name="FIELD"; filename="a.png"', LINES, BASE64) + END,
    "a path": part('name="FIELD"; filename="C:\\x\\..\\a.png"', PICTURE) + END,
    "a long name": part(f'name="FIELD"; filename="a.{"x" * 1000}"', PICTURE) + END,
    "a name in another charset": NAMED.replace(b"a.png", b"\xf1.png") + END,
    "a name as RFC 8187 has it": part("name=FIELD; filename*=UTF-8''%C3%B1.png", PICTURE) + END,
    "no line break at the end": UNNAMED + b"--limit--",
}


@each_upload
@pytest.mark.parametrize("form", WHOLE.values(), ids=WHOLE)
def test_a_file_is_taken_byte_for_byte(alice: User, upload: Upload, form: bytes) -> None:
    response = send(alice, upload, form)
    assert response.status_code == 201, response.content
    assert Picture.objects.get().bytes == len(PICTURE)


BROKEN = {
    "no closing boundary": NAMED,
    "cut in the file": NAMED[:-20],
    "cut in a header": b"--limit\r\nContent-Disp",
    "nothing": b"",
    "only the end": END,
    "another boundary": NAMED.replace(b"limit", b"other") + END,
    "no file chosen": part('name="FIELD"; filename=""', b"") + END,
    "another field": part('name="another"', b"x") + END,
    "two files": NAMED + NAMED + END,
    "half a base64": part('name="FIELD"', b"iVBOR", BASE64) + END,
    "a thousand fields": b"".join(part(f'name="f{n}"', b"") for n in range(1001)) + END,
}


@pytest.mark.unhurried
@each_upload
@pytest.mark.parametrize("form", BROKEN.values(), ids=BROKEN)
def test_what_is_no_whole_form_with_one_file_is_400_and_stores_nothing(
    alice: User, upload: Upload, form: bytes
) -> None:
    response = send(alice, upload, form)
    assert (response.status_code, Picture.objects.count()) == (400, 0)
    assert response["Content-Type"] == "application/json"


@each_upload
@pytest.mark.parametrize(
    "content_type",
    ["MULTIPART/FORM-DATA; Boundary=limit", 'Multipart/Form-Data;BOUNDARY="limit" ; Charset=UTF-8'],
)
def test_media_types_and_parameters_are_taken_in_any_case(
    alice: User, upload: Upload, content_type: str
) -> None:
    body = WHOLE["a file name"]
    assert send(alice, upload, body, content_type).status_code == 201


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("multipart/form-data", 400),
        ("multipart/form-data; boundary=", 400),
        ("multipart/form-data; boundary=limit; charset=bz2", 415),
        ("multipart/form-data; boundary=limit; charset=nonsense", 415),
    ],
)
def test_a_content_type_that_cannot_be_used_is_refused(
    alice: User, content_type: str, status: int
) -> None:
    for upload in UPLOADS:
        response = send(alice, upload, WHOLE["a file name"], content_type)
        assert (response.status_code, response["Content-Type"]) == (status, "application/json")


def test_fields_may_have_64_kb_and_no_more(alice: User) -> None:
    long = part('name="socketId"', b"x" * 70_000)
    assert send(alice, UPLOADS[1], long + WHOLE["a file name"]).status_code == 413
