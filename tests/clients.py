"""A client that reads each answer to its end, as a browser does, so that no file stays open."""

from typing import Any

from django.test import Client as DjangoClient


class Client(DjangoClient):
    """Django's test client; a streamed answer can still be read, from memory."""

    def request(self, **request: Any) -> Any:
        """Send a request and read the answer."""
        response: Any = super().request(**request)
        if getattr(response, "streaming", False):
            response.streaming_content = [b"".join(response.streaming_content)]
        return response
