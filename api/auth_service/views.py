"""The auth service's views."""

from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.cookies import clear_token_cookies
from accounts.exceptions import BadCredentials
from accounts.registration import sign_up
from accounts.request_origin import client_of
from accounts.requests import SignIn, refuse_cross_site
from accounts.services import change_password, identify, sign_out
from accounts.sessions import open_bearer
from api.auth_service import serializers as s
from api.auth_service.errors import describe
from api.responses import Describe
from api.views import ContractView, caller

_NOTHING = OpenApiResponse(description="An empty body.")
_ALWAYS: dict[Any, Any] = {
    403: s.AuthServiceError,
    413: s.AuthServiceError,
    415: s.AuthServiceError,
    503: s.AuthServiceError,
}
_PUBLIC = {**_ALWAYS, 400: s.AuthServiceMessages, 429: s.AuthServiceError}
_CLOSED = {**_ALWAYS, (401, "text/plain"): OpenApiTypes.STR}


class AuthServiceView(ContractView):
    """A view of the auth service."""

    describe: Describe = staticmethod(describe)


class PublicView(AuthServiceView):
    """A view that asks for no token, and reads none."""

    authentication_classes = []
    permission_classes = [AllowAny]


class SignUpView(PublicView):
    """`signup`."""

    @extend_schema(
        summary="Make an account",
        request=s.AuthServiceSignUp,
        responses={200: s.AuthServiceToken, **_PUBLIC},
    )
    def post(self, request: Request) -> Response:
        """Make an account and sign it in."""
        given = _checked(s.AuthServiceSignUp(data=request.data))
        client = client_of(request._request)
        return Response({"token": open_bearer(sign_up(client=client, **given), client)})


class SignInView(PublicView):
    """`signin`."""

    @extend_schema(
        summary="Sign in",
        request=s.AuthServiceSignIn,
        responses={200: s.AuthServiceToken, **_PUBLIC},
    )
    def post(self, request: Request) -> Response:
        """Open a session; an unknown login and a wrong password are answered alike."""
        given = _checked(s.AuthServiceSignIn(data=request.data))
        user = identify(request._request, **given)
        return Response({"token": open_bearer(user, client_of(request._request))})


class SignOutView(AuthServiceView):
    """`signout`: GET in the contract, POST too; HEAD would end the session as GET does."""

    http_method_names = ["get", "post"]

    @extend_schema(summary="Sign out", responses={200: _NOTHING, **_CLOSED})
    def get(self, request: Request) -> HttpResponse:
        """End the session of the token; other services hear of it."""
        return self._signed_out(request)

    @extend_schema(summary="Sign out", request=None, responses={200: _NOTHING, **_CLOSED})
    def post(self, request: Request) -> HttpResponse:
        """End the session of the token; other services hear of it."""
        return self._signed_out(request)

    def _signed_out(self, request: Request) -> HttpResponse:
        # A GET that changes something: another site's page must not make a browser send it.
        if "Authorization" not in request.headers:
            refuse_cross_site(request._request)
        sign_in = _sign_in(request)
        sign_out(sign_in.session, token=sign_in.token)
        response = HttpResponse(status=200)
        clear_token_cookies(response)
        return response


class CurrentUserView(AuthServiceView):
    """`currentUser`."""

    @extend_schema(summary="Who am I?", responses={200: s.AuthServiceUser, **_CLOSED})
    def get(self, request: Request) -> Response:
        """Return the account of the token."""
        user = caller(request)
        roles = ["user", "admin"] if user.is_staff else ["user"]
        return Response(
            {"id": str(user.pk), "name": user.name, "login": user.username, "roles": roles}
        )


class PasswordView(AuthServiceView):
    """`password`."""

    @extend_schema(
        summary="Change one's password",
        request=s.AuthServicePassword,
        responses={
            200: _NOTHING,
            400: s.AuthServiceMessages,
            429: s.AuthServiceError,
            **_CLOSED,
        },
    )
    def post(self, request: Request) -> HttpResponse:
        """Change the password; every other session of the account ends."""
        given = _checked(s.AuthServicePassword(data=request.data))
        current, new = given["currentPassword"], given["newPassword"]
        session = _sign_in(request).session
        try:
            change_password(
                request._request,
                caller(request),
                current=current,
                new=new,
                except_session=session,
            )
        except BadCredentials:
            raise ValidationError({"currentPassword": ValidationError("", code="wrong")}) from None
        except ValidationError as error:
            raise ValidationError({"newPassword": error.error_list}) from None
        return HttpResponse(status=200)


def _checked(form: Any) -> dict[str, str]:
    form.is_valid(raise_exception=True)
    given: dict[str, str] = form.validated_data
    return given


def _sign_in(request: Request) -> SignIn:
    if not isinstance(request.auth, SignIn):
        raise TypeError("A view that asks for the session must be closed.")
    return request.auth
