"""A client of the deployment: through nginx, like a TLS proxy in front of it."""

from tests.deployment.stack import HOST, Stack
from tests.smoke_tests import ServiceClient


class ProxyClient(ServiceClient):
    """Requests public addresses from the nginx of this machine."""

    def __init__(self, stack: Stack) -> None:
        proxy = {"Host": HOST, "X-Forwarded-Proto": "https"}
        super().__init__(stack.url, f"https://{HOST}", **proxy)

    def sign_in(self, username: str, password: str) -> str:
        """Send an API token from now on."""
        body = {"username": username, "password": password}
        token: str = self.post("/api/user/token/", data=body).json()["token"]
        self.headers["Authorization"] = f"Token {token}"
        return token
