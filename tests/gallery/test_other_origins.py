"""Pages of other origins use the local run's contracts, in a real browser."""

import pytest
from playwright.sync_api import Playwright

from tests.other_origins import MARKS, Origins, check_in_browser, serve_pages
from tests.processes import PASSWORD, dev_run, until
from tests.servers.ports import free_ports

pytestmark = MARKS
HOST = "pictures.example.test"


@pytest.mark.nightly
def test_pages_of_other_origins_do_their_work_with_a_token_or_as_trusted_ones(
    tmp_path_factory: pytest.TempPathFactory, playwright: Playwright, chromium_program: str
) -> None:
    """One start for all contracts: each takes seconds."""
    [port] = free_ports(1)
    settings = {
        "PORT": str(port),
        "ALLOWED_HOSTS": f"{HOST},localhost",
        "TRUSTED_ORIGINS": "http://trusted.example.test:*",
    }
    data_dir = tmp_path_factory.mktemp("origins") / "data"
    with dev_run(data_dir, **settings) as running, serve_pages() as pages:
        check_in_browser(
            f"http://{HOST}:{port}",
            Origins(
                elsewhere=f"http://page.elsewhere.test:{pages}/",
                trusted=f"http://trusted.example.test:{pages}/",
                untrusted=f"http://untrusted.example.test:{pages}/",
            ),
            playwright=playwright,
            program=chromium_program,
            host_names="MAP *.example.test 127.0.0.1, MAP *.elsewhere.test 127.0.0.1",
            admin={"username": "admin", "password": PASSWORD},
            until=lambda condition: until(condition, 60, running),
        )
