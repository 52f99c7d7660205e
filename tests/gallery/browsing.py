"""A running service with accounts, and what a person does on its page."""

import itertools
import os
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

import pytest
import requests
from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.pictures import encode, waves
from tests.processes import PASSWORD
from tests.program_shell import ProgramShell

MARKS = [
    pytest.mark.processes,
    pytest.mark.slow,
    pytest.mark.timeout(180),
    # Playwright's own event loop leaves its pipes to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
# Sign-ins are throttled by address, so each client gets one of its own, as from a proxy.
BEHIND_A_PROXY = {"TRUSTED_PROXIES": "1"}
# Under this name pages of other origins ask for it; one of them is trusted, beside the default.
NAME = "pictures.example.test"
FOR_OTHER_ORIGINS = {
    "ALLOWED_HOSTS": f"localhost,{NAME}",
    "TRUSTED_ORIGINS": "http://localhost:*,http://trusted.example.test:*",
}
_CREATE_ACCOUNT = """
from accounts.models import User
from tiers.models import Tier
User.objects.create_user({login!r}, {password!r}, tier=Tier.objects.get(name={tier!r}))
"""
_numbers = itertools.count(1)


def new_address() -> dict[str, str]:
    """Return the header by which a proxy names a client that was never seen before."""
    return {"X-Forwarded-For": str(IPv4Address("10.0.0.0") + next(_numbers))}


@dataclass
class Service:
    url: str
    data_dir: Path
    accounts: int = 0
    _shell: ProgramShell | None = None

    def create_account(self, tier: str) -> str:
        """Create an account with PASSWORD and return its login."""
        self.accounts += 1
        login = f"{tier.lower()}{self.accounts}"
        self.run_program(_CREATE_ACCOUNT.format(login=login, password=PASSWORD, tier=tier))
        return login

    def run_program(self, program: str) -> None:
        """Run it in `manage.py shell` of the service."""
        if self._shell is None:
            env = os.environ | {"LOCAL": "on", "DATA_DIR": str(self.data_dir), "DATABASE_URL": ""}
            self._shell = ProgramShell(env | {"DJANGO_SETTINGS_MODULE": "config.settings"})
        self._shell.run(program)

    def close(self) -> None:
        """End what runs programs."""
        if self._shell:
            self._shell.close()

    def open_session(self, login: str) -> requests.Session:
        """Sign in by cookies, as another client of the account."""
        session = requests.Session()
        session.headers.update(new_address())
        body = {"username": login, "password": PASSWORD}
        session.post(f"{self.url}/api/user/jwt-login/", json=body, timeout=10).raise_for_status()
        return session

    def upload(self, login: str, *contents: bytes) -> None:
        """Upload pictures, the oldest first."""
        with self.open_session(login) as session:
            for content in contents:
                response = session.post(
                    f"{self.url}/api/user/images/", files={"image": content}, timeout=20
                )
                assert response.status_code == 201, response.text


def sign_in(page: Page, login: str, password: str = PASSWORD) -> None:
    page.locator("[name=username]").fill(login)
    page.locator("[name=password]").fill(password)
    page.locator("#sign-in button").click()


def open_gallery(page: Page, login: str) -> None:
    sign_in(page, login)
    expect(page.locator("#gallery")).to_be_visible()


def choose_files(page: Page, **files: bytes) -> None:
    payloads: list[FilePayload] = [
        {"name": f"{name}.jpg", "mimeType": "image/jpeg", "buffer": content}
        for name, content in files.items()
    ]
    page.locator("#files").set_input_files(payloads)


def photo(width: int = 900, height: int = 600) -> bytes:
    return encode(waves(width, height), "JPEG")


def label_of(button: Locator) -> str:
    return button.get_attribute("aria-label") or ""
