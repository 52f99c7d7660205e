"""Where a request comes from, as sessions record it and throttles count it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RequestOrigin:
    """The client's IP address (None where it is unknown) and its User-Agent header."""

    client_ip: str | None = None
    user_agent: str = ""
