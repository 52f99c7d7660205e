"""What is not taken is refused by its own name at every contract, in that contract's shape."""

from io import BytesIO
from typing import Any

import pytest
from django.test import Client

from api.pictures_service.errors import render_problem
from api.problems import Problem
from images.formats.limits import NOT_AN_IMAGE
from tests.faults.contracts import UPLOAD_ROUTES
from tests.images.formats.test_unsupported import FILES

pytestmark = pytest.mark.django_db
SVG = b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>"
FILM = b"\0\0\0\x14ftypmp42\0\0\0\0mp42" + bytes(40)
SENTENCES = {
    SVG: ("SVG pictures are not taken.", "No se aceptan imágenes SVG"),
    ("\ufeff" + SVG.decode()).encode("utf-16-be"): (
        "SVG pictures are not taken.", "No se aceptan imágenes SVG"
    ),
    FILM: ("MP4 video files are not taken.", "No se aceptan vídeos MP4"),
    b"%PDF-1.7": ("PDF files are not taken.", "No se aceptan archivos PDF"),
    b"FUJIFILMCCD-RAW": (
        "Camera raw (RAF) pictures are not taken.", "No se aceptan imágenes sin revelar (RAF)"
    ),
    b"hello": (NOT_AN_IMAGE, "El archivo no es una imagen"),
}  # fmt: skip


def shape(contract: str, english: str, spanish: str) -> dict[str, Any]:
    shapes: dict[str, dict[str, Any]] = {
        "restful_api": {"image": [english]},
        "pictures_service": {"error": spanish},
        "images_api": {"message": f"data: {english}", "status_code": 400},
        "image_service": {
            "messages": [
                {"path": "image", "message": "invalid" if english == NOT_AN_IMAGE else english}
            ]
        },
    }
    return shapes[contract]


@pytest.mark.parametrize("contract", UPLOAD_ROUTES)
def test_each_contract_names_what_it_refuses(as_alice: Client, contract: str) -> None:
    route = UPLOAD_ROUTES[contract]
    for content, sentences in SENTENCES.items():
        options = route.options_for(content)
        if "json" in options:
            answer = as_alice.post(route.path, options["json"], content_type="application/json")
        else:
            files = {name: BytesIO(each) for name, each in options["files"].items()}
            answer = as_alice.post(route.path, files)
        assert (answer.status_code, answer.json()) == (400, shape(contract, *sentences))


def test_every_sentence_is_said_in_spanish() -> None:
    names = {name for name, _ in FILES} | {"Lossless JPEG pictures", "TIFF pictures of this kind"}
    for name in names:
        problem = Problem("validation", 400, f"{name} are not taken.", "format", ())
        said = render_problem(problem).body
        assert isinstance(said, dict)
        sentence = str(said["error"])
        assert sentence.startswith("No se aceptan "), name
        assert not {"pictures", "files", "taken", "this"} & set(sentence.split())
