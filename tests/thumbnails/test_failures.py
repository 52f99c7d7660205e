"""Why a picture failed is said in the reader's language, by the gallery too."""

import re
from pathlib import Path

import pytest

from accounts.models import User
from tests.clients import Client
from tests.rows import make_row
from thumbnails import claims, sandbox_work
from thumbnails.failures import REASONS, describe_failure

ROOT = Path(__file__).parent.parent.parent


def test_every_reason_that_is_written_is_known() -> None:
    for reason in (claims.ATTEMPTS_USED_UP, "Its file is missing."):
        assert reason in REASONS
    written = (ROOT / "images" / "sandbox" / "pool.py").read_text()
    written += Path(sandbox_work.__file__).read_text()
    found = re.findall(r'(?:PictureTooCostly|RenderingFailed)\("([^"]+)"\)', written)
    assert found
    assert set(found) <= REASONS


def test_the_gallery_knows_them_too() -> None:
    page = (ROOT / "templates" / "images" / "i18n.html").read_text()
    assert {each for each in REASONS if f'data-message="{each}"' not in page} == set()


def test_a_reason_of_a_later_release_stays_as_it_is() -> None:
    assert describe_failure("Something new.") == "Something new."


@pytest.mark.django_db
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize(("language", "text"), [("en", "missing"), ("es", "Falta su archivo")])
def test_staff_read_the_reason_in_their_language(
    admin_client: Client, alice: User, language: str, text: str
) -> None:
    failed = make_row(alice, rendering="failed", render_failure="Its file is missing.")
    for address in ("/admin/", f"/admin/images/picture/{failed.pk}/change/"):
        page = admin_client.get(address, headers={"Accept-Language": language}).content.decode()
        assert text in page, address
