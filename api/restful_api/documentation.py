"""The OpenAPI document, and the page that shows it."""

from functools import cache

from django.conf import settings
from django.http import HttpResponse
from django.utils import translation
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import spectacular_settings
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response

from api.restful_api.client_examples import client_examples
from api.views import PublicView


class DocumentationView(PublicView):
    """A view for everybody; the client chooses the format by `Accept` or `?format=`."""

    content_negotiation_class = DefaultContentNegotiation


class SchemaView(DocumentationView):
    """`/api/schema/`."""

    renderer_classes = SpectacularAPIView.renderer_classes

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        """Return the document, as YAML unless asked for JSON."""
        renderer = request.accepted_renderer
        response = HttpResponse(render_document(renderer.format, _language(request)))
        charset = f"; charset={renderer.charset}" if renderer.charset else ""
        response["Content-Type"] = f"{renderer.media_type}{charset}"
        name = f"{spectacular_settings.TITLE}.{renderer.format}"
        response["Content-Disposition"] = f'inline; filename="{name}"'
        return response


class AsyncApiView(PublicView):
    """`/api/schema/asyncapi.yaml`: what the WebSocket sends."""

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        """Return `docs/asyncapi.yaml`."""
        content = (settings.BASE_DIR / "docs" / "asyncapi.yaml").read_bytes()
        return HttpResponse(content, content_type="application/yaml; charset=utf-8")


class DocsView(DocumentationView, SpectacularSwaggerSplitView):
    """`/api/docs/`: the programs of `docs/clients.md`, then every operation."""

    url_name = "schema"
    template_name = "api/docs.html"

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        """Return the page, or the script that fills it."""
        response: Response = super().get(request)  # type: ignore[no-untyped-call]  # drf-spectacular's
        response.data["client_examples"] = client_examples()
        return response


_RENDERERS = {each.format: each for each in SchemaView.renderer_classes}


# Rendering takes a twentieth of a second, and anybody may ask. Nothing of a request but the format
# and the language is in it, so one copy for each of these few pairs serves everybody.
@cache
def render_document(format_name: str, language: str) -> str | bytes:
    """Return the document as `yaml` or `json`, in one of our languages."""
    with translation.override(language):
        # drf-spectacular leaves its generator without types.
        document = SchemaGenerator().get_schema(public=True)
        return _RENDERERS[format_name]().render(document)


def _language(request: Request) -> str:
    """Return `?lang=` where it is one of ours: the number of cached copies has a bound."""
    wanted = request.query_params.get("lang", "")
    return wanted if wanted in dict(settings.LANGUAGES) else translation.get_language()
