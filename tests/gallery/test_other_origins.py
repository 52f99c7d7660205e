"""Pages of other origins use the local run's contracts, in a real browser."""

from functools import partial

import pytest
from playwright.sync_api import Playwright

from tests import waiting
from tests.gallery.browsing import NAME, Service
from tests.other_origins import MARKS, Origins, check_in_browser, serve_pages
from tests.processes import PASSWORD

pytestmark = MARKS


@pytest.mark.nightly
def test_pages_of_other_origins_do_their_work_with_a_token_or_as_trusted_ones(
    service: Service, playwright: Playwright, chromium_program: str
) -> None:
    """One browser for all contracts."""
    with serve_pages() as pages:
        check_in_browser(
            service.url.replace("localhost", NAME),
            Origins(
                elsewhere=f"http://page.elsewhere.test:{pages}/",
                trusted=f"http://trusted.example.test:{pages}/",
                untrusted=f"http://untrusted.example.test:{pages}/",
            ),
            playwright=playwright,
            program=chromium_program,
            host_names="MAP *.example.test 127.0.0.1, MAP *.elsewhere.test 127.0.0.1",
            admin={"username": "admin", "password": PASSWORD},
            until=partial(waiting.until, timeout=60, explain=lambda: "its worker makes none"),
        )
