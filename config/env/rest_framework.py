"""Settings of REST framework and of the OpenAPI document; none varies between machines."""

from uuid import UUID

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["api.authentication.AnyToken"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["api.parsers.JsonParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "api.openapi.operations.ContractSchema",
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "api.negotiation.AlwaysJson",
    "DEFAULT_METADATA_CLASS": None,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
# What the path converter `id` takes.
_ROW_ID = {"type": "integer", "format": "int64", "minimum": 1, "maximum": 10**18 - 1}
SPECTACULAR_SETTINGS = {
    "TITLE": "Tintype",
    "DESCRIPTION": "Pictures, thumbnails by tier, expiring links and avatars: five contracts.",
    "VERSION": "1.0.0",
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    # Operations stay in the document's order, closed: a phone shows the contracts at one glance.
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "docExpansion": "none", "filter": True},
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "api.openapi.document.complete",
    ],
    "PATH_CONVERTER_OVERRIDES": {"anyuuid": UUID, "id": _ROW_ID},
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
}
