"""What lets a phone install the gallery, and share its photographs into it."""

import json
from urllib.parse import urlsplit

import pytest
from django.contrib.staticfiles import finders
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from tests.clients import Client


@pytest.mark.parametrize(
    ("language", "text"), [("en", "kept as they are"), ("es", "guardadas tal como son")]
)
def test_the_manifest_names_icons_of_the_size_that_it_says(language: str, text: str) -> None:
    response = Client().get("/manifest.webmanifest", headers={"Accept-Language": language})
    assert response["Content-Type"] == "application/manifest+json"
    manifest = json.loads(response.content)
    assert text in manifest["description"]
    for icon in manifest["icons"]:
        path = finders.find(urlsplit(icon["src"]).path.removeprefix("/static/"))
        with Image.open(str(path)) as image:
            assert f"{image.width}x{image.height}" == icon["sizes"]
    assert {icon["sizes"] for icon in manifest["icons"]} == {"192x192", "512x512"}
    assert "image/heic" in manifest["share_target"]["params"]["files"][0]["accept"]


def test_the_service_worker_is_a_script_at_the_root_that_no_cache_keeps() -> None:
    response = Client().get("/service-worker.js")
    assert response["Content-Type"] == "text/javascript; charset=utf-8"
    assert response["Cache-Control"] == "no-cache"
    assert "caches.open(SHARED)" in response.content.decode()
    spanish = Client().get("/service-worker.js", headers={"Accept-Language": "es"})
    assert r"Sin conexi\u00f3n" in spanish.content.decode()


@pytest.mark.parametrize("size", [1, 200_000])
@pytest.mark.parametrize(
    ("language", "text"), [("en", "share the pictures again"), ("es", "comparta las imágenes otra")]
)
def test_what_is_shared_without_a_service_worker_leads_to_a_page_that_says_so(
    size: int, language: str, text: str
) -> None:
    client = Client(enforce_csrf_checks=True)
    picture = SimpleUploadedFile("a.jpg", b"x" * size, "image/jpeg")
    response = client.post("/share", {"pictures": picture})
    assert (response.status_code, response["Location"]) == (303, "/share")
    # As nginx asks again where the body was too large for it.
    response = client.post("/share", headers={"Body-Too-Large": "yes"})
    assert (response.status_code, response["Location"]) == (303, "/share")
    page = client.get("/share", headers={"Accept-Language": language})
    assert (page.status_code, page["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert text in page.content.decode()
