"""The doors, and the document that describes them."""

from django.urls import include, path, register_converter
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.negotiation import DefaultContentNegotiation

from api.converters import RowId

register_converter(RowId, "id")

schema_view = SpectacularAPIView.as_view(content_negotiation_class=DefaultContentNegotiation)
docs_view = SpectacularSwaggerSplitView.as_view(
    url_name="schema", content_negotiation_class=DefaultContentNegotiation
)

urlpatterns = [
    path("api/schema/", schema_view, name="schema"),
    path("api/docs/", docs_view, name="docs"),
    path("api/user/", include("api.restful_api.urls")),
    path("api/", include("api.images_api.urls")),
    path("auth/", include("api.auth_service.urls")),
    path("", include("api.image_service.urls")),
    path("v1/", include("api.image_service.urls")),
    path("pictures/", include("api.pictures_service.urls")),
]
