"""The 413 for bodies that nginx refused."""

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler

from api.contracts import CONTRACTS, Contract
from config.middleware.body_limit import HEADER
from tests.clients import Client


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.name)
def test_a_contract_gets_413_in_its_own_shape_before_any_view(contract: Contract) -> None:
    response = Client().post(f"{contract.prefixes[0]}/anything", headers={HEADER: "yes"})
    assert response.status_code == 413
    assert response["Content-Type"] == "application/json"


def test_a_page_gets_413_as_a_line_of_text() -> None:
    response = Client().post("/", headers={HEADER: "yes"})
    assert (response.status_code, response.content) == (413, b"The body is too large.")


def test_a_request_without_the_header_goes_on() -> None:
    assert Client().get("/healthz").status_code == 200


PAGES = ["/admin/login/", "/i18n/setlang/", "/", "/l/token", "/healthz"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", PAGES)
def test_a_body_that_no_form_of_a_page_has_is_413_before_it_is_read(path: str) -> None:
    environ = {"wsgi.input": Untouched(), "CONTENT_LENGTH": "70000"}
    assert Client().generic("POST", path, **environ).status_code == 413  # type: ignore[arg-type]  # of the environ


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/admin/login/", "/i18n/setlang/"])
def test_a_file_sent_to_a_page_is_400_before_it_is_stored(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def store(*_: object) -> None:
        raise AssertionError("stored")

    monkeypatch.setattr(TemporaryFileUploadHandler, "new_file", store)
    file = SimpleUploadedFile("x.png", b"a picture")
    response = Client().post(path, {"username": "alice", "file": file})
    assert (response.status_code, response.content) == (400, b"Too many fields or files.")


class Untouched(io.BytesIO):
    def read(self, *_: object) -> bytes:
        raise AssertionError("read")
