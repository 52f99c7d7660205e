"""A test client that reads each response to its end, so that no file stays open."""

from typing import TYPE_CHECKING, Any, TypeAlias

from django.http.response import HttpResponseBase
from django.test import Client as DjangoClient

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse

    # What Django's client returns: a response with `json`, `context` and others. Only the stubs
    # have a name for it.
    Response: TypeAlias = _MonkeyPatchedWSGIResponse
else:
    Response = HttpResponseBase


class Client(DjangoClient):
    """Django's test client; a streamed response can still be read, from memory."""

    def request(self, **request: Any) -> Any:
        response: Any = super().request(**request)
        if getattr(response, "streaming", False):
            response.streaming_content = [b"".join(response.streaming_content)]
        return response
