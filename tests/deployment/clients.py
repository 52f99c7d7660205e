"""A client of the deployment: through nginx, as a TLS proxy in front of it would ask."""

from typing import Any

import requests

from tests.deployment.stack import HOST, Stack

ADDRESS = f"https://{HOST}"


class Door(requests.Session):
    """Asks for the public addresses, and gets to the nginx of this machine."""

    def __init__(self, stack: Stack) -> None:
        super().__init__()
        self._url = stack.url
        self.headers.update({"Host": HOST, "X-Forwarded-Proto": "https"})
        self.trust_env = False

    def request(self, method: str, url: str, **options: Any) -> requests.Response:  # type: ignore[override]
        options.setdefault("timeout", 60)
        options.setdefault("allow_redirects", False)
        return super().request(method, self._url + url.removeprefix(ADDRESS), **options)

    def sign_in(self, username: str, password: str) -> str:
        """Take and carry an API token."""
        body = {"username": username, "password": password}
        token: str = self.post("/api/user/token/", data=body).json()["token"]
        self.headers["Authorization"] = f"Token {token}"
        return token
