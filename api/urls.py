"""The doors, and the document that describes them."""

from django.urls import include, path

from api.restful_api.documentation import DocsView, SchemaView

urlpatterns = [
    path("api/schema/", SchemaView.as_view(), name="schema"),
    path("api/docs/", DocsView.as_view(), name="docs"),
    path("api/user/", include("api.restful_api.urls")),
    path("api/", include("api.images_api.urls")),
    path("auth/", include("api.auth_service.urls")),
    path("", include("api.image_service.urls")),
    path("v1/", include("api.image_service.urls")),
    path("pictures/", include("api.pictures_service.urls")),
]
