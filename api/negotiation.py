"""The contracts speak JSON whatever a client says it accepts."""

from collections.abc import Sequence

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

_JSON = "application/json"


class AlwaysJson(BaseContentNegotiation):
    """A client that asks for */*, for an image or for nothing gets the contract's JSON."""

    def select_parser(self, request: Request, parsers: Sequence[object]) -> object | None:  # type: ignore[override]
        """Take the first parser of the declared content type, or of any; None for a 415.

        A body without a content type is taken for JSON, which is what clients mean that send none.
        """
        declared = (request.content_type or "").partition(";")[0].strip().lower() or _JSON
        return next((p for p in parsers if p.media_type in {declared, "*/*"}), None)  # type: ignore[attr-defined]

    def select_renderer(
        self,
        request: Request,
        renderers: Sequence[BaseRenderer],  # type: ignore[override]
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        """Take the first."""
        return renderers[0], renderers[0].media_type
