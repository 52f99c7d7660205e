"""Every token scheme at every contract, as DRF's authenticator."""

from typing import Any

from django.http import HttpRequest
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts.cookies import access_cookie
from accounts.models import User
from accounts.request_authentication import Authentication, authenticate_request


class AnyToken(BaseAuthentication):
    """Bearer JWT, bare JWT, API token or JWT cookies; BadToken becomes the contract's 401."""

    def authenticate(self, request: Request) -> tuple[User, Authentication] | None:
        """Return the user and the sign-in; None where the request carries no token of ours."""
        django_request: HttpRequest = request._request
        sign_in = authenticate_request(django_request)
        return (sign_in.session.user, sign_in) if sign_in else None

    def authenticate_header(self, request: Request) -> str:
        """Name the scheme, without which DRF would respond with 403 in place of 401."""
        return "Bearer"


class AnyTokenScheme(OpenApiAuthenticationExtension):
    """How the OpenAPI document describes these schemes."""

    target_class = "api.authentication.AnyToken"
    name = ["bearerJWT", "apiToken", "cookieJWT"]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, str]]:
        return [
            {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "JWT",
                "description": "`Bearer <jwt>` from `/auth/signup` or `/auth/signin`.",
            },
            {
                "type": "apiKey",
                "in": "header",
                "name": "Authorization",
                "description": "`Token <key>` from `/api/user/token/`, or the bare JWT that "
                "`/api/login` gives.",
            },
            {
                "type": "apiKey",
                "in": "cookie",
                "name": access_cookie(),
                "description": "Set by `/api/user/jwt-login/`; over HTTPS its name begins with "
                "`__Host-`.",
            },
        ]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[str]]]:
        """Return them as alternatives: one of them is enough."""
        return [{name: []} for name in self.name]
