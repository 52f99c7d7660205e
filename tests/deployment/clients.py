"""A client of the deployment: through nginx, as a TLS proxy in front of it would ask."""

from tests.deployment.stack import HOST, Stack
from tests.smoke_tests import Visitor


class Door(Visitor):
    """Asks for the public addresses, and gets to the nginx of this machine."""

    def __init__(self, stack: Stack) -> None:
        proxy = {"Host": HOST, "X-Forwarded-Proto": "https"}
        super().__init__(stack.url, f"https://{HOST}", **proxy)

    def sign_in(self, username: str, password: str) -> str:
        """Take and carry an API token."""
        body = {"username": username, "password": password}
        token: str = self.post("/api/user/token/", data=body).json()["token"]
        self.headers["Authorization"] = f"Token {token}"
        return token
