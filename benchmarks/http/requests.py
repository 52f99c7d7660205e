"""Requests written out, for the load generator and for Django's client alike."""

from dataclasses import dataclass
from typing import Any

from benchmarks.http.servers import HOST


@dataclass(frozen=True)
class Request:
    """One request; `address` is what the proxy before nginx says of the caller."""

    path: str
    token: str = ""
    method: str = "GET"
    body: bytes = b""
    content_type: str = ""
    address: str = "10.0.0.1"
    cookie: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """What is sent besides the first line."""
        found = {"Host": HOST, "X-Forwarded-For": self.address, "X-Forwarded-Proto": "https"}
        if self.token:
            found["Authorization"] = f"Bearer {self.token}"
        if self.cookie:
            found["Cookie"] = self.cookie
        if self.body:
            found |= {"Content-Type": self.content_type, "Content-Length": str(len(self.body))}
        return found

    def to_bytes(self) -> bytes:
        """Return it as it goes over the network."""
        lines = [f"{self.method} {self.path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "", ""]).encode() + self.body

    def send_to(self, client: Any) -> Any:
        """Send it by Django's test client."""
        return client.generic(
            self.method,
            self.path,
            self.body,
            content_type=self.content_type or "application/octet-stream",
            headers={name: value for name, value in self.headers.items() if "Content" not in name},
        )
