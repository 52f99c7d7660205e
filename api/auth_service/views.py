"""The auth service's views."""

from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.cookies import clear_token_cookies
from accounts.exceptions import BadCredentials
from accounts.registration import sign_up
from accounts.request_authentication import (
    read_credential,
    read_origin,
    refuse_cross_site,
)
from accounts.services import change_password, sign_out, verify_credentials
from accounts.sessions import open_bearer_session
from accounts.throttling import SIGN_UPS_PER_ADDRESS
from api.auth_service import serializers as s
from api.openapi.operations import describe
from api.openapi.refusals import (
    CREDENTIALS,
    CROSS_SITE,
    INVALID_INVITATION,
    INVITATION_REQUIRED,
    SIGN_IN_LIMITS,
    SIGN_UP_CLOSED,
    THROTTLED,
    Refusal,
)
from api.parsers import FormParser, JsonParser
from api.views import ContractView, PublicView, authentication_of, caller, current_session

_EMPTY = OpenApiResponse(description="Done; the body is empty.")
_LOGIN_TAKEN = Refusal(
    "login_taken",
    "The login is taken, in any case.",
    lambda: ValidationError({"username": ValidationError("", code="unique")}),
)
_WRONG_PASSWORD = Refusal(
    "wrong_password",
    "The current password is another one.",
    lambda: ValidationError({"currentPassword": ValidationError("", code="wrong")}),
)
_PASSWORD_TOO_COMMON = Refusal(
    "password_too_common",
    "The new password is too short, too common or like the login.",
    lambda: ValidationError({"newPassword": ValidationError("", code="password_too_common")}),
)


class SignUpView(PublicView):
    """`signup`."""

    parser_classes = [JsonParser, FormParser]

    @describe(
        "auth_sign_up",
        summary="Make an account",
        description="Make an account and sign it in. The token is good at every contract, as "
        "`Authorization: Bearer <token>`, for 14 days unless the service is set otherwise. At most "
        f"{SIGN_UPS_PER_ADDRESS.amount} accounts a minute from one address.",
        request={"application/json": s.AuthServiceSignUp},
        responses={200: s.AuthServiceToken},
        refuses=[
            _LOGIN_TAKEN,
            INVALID_INVITATION,
            INVITATION_REQUIRED,
            SIGN_UP_CLOSED,
            THROTTLED,
        ],
    )
    def post(self, request: Request) -> Response:
        """Make an account and sign it in."""
        given = _validate(s.AuthServiceSignUp(data=request.data))
        origin = read_origin(request._request)
        user = sign_up(origin=origin, **given)
        self.remember_device(user)
        return Response({"token": open_bearer_session(user, origin)})


class SignInView(PublicView):
    """`signin`."""

    parser_classes = [JsonParser, FormParser]

    @describe(
        "auth_sign_in",
        summary="Sign in",
        description="Open a session. An unknown login and a wrong password are answered alike. "
        f"{SIGN_IN_LIMITS}",
        request={"application/json": s.AuthServiceSignIn},
        responses={200: s.AuthServiceToken},
        refuses=[CREDENTIALS, THROTTLED],
    )
    def post(self, request: Request) -> Response:
        """Open a session; an unknown login and a wrong password are answered alike."""
        given = _validate(s.AuthServiceSignIn(data=request.data))
        origin = read_origin(request._request)
        user = verify_credentials(origin=origin, **given)
        self.remember_device(user)
        return Response({"token": open_bearer_session(user, origin)})


class SignOutView(ContractView):
    """`signout`: GET in the contract, POST too; HEAD would end the session as GET does."""

    http_method_names = ["get", "post"]

    @describe("auth_sign_out", summary="Sign out", responses={200: _EMPTY}, refuses=[CROSS_SITE])
    def get(self, request: Request) -> HttpResponse:
        """End the session of the token; other services hear of it."""
        return self._sign_out(request)

    @describe("auth_sign_out_by_post", summary="Sign out", request=None, responses={200: _EMPTY})
    def post(self, request: Request) -> HttpResponse:
        """End the session of the token; other services hear of it."""
        return self._sign_out(request)

    def _sign_out(self, request: Request) -> HttpResponse:
        # A GET that changes something: another site's page must not make a browser send it.
        if not read_credential(request._request):
            refuse_cross_site(request._request)
        sign_in = authentication_of(request)
        sign_out(sign_in.session, authorization=sign_in.authorization)
        response = HttpResponse(status=200)
        clear_token_cookies(response)
        return response


class CurrentUserView(ContractView):
    """`currentUser`."""

    @describe("auth_current_user", summary="Who am I?", responses={200: s.AuthServiceUser})
    def get(self, request: Request) -> Response:
        """Return the account of the token."""
        return Response(s.serialize_user(caller(request)))


class PasswordView(ContractView):
    """`password`."""

    parser_classes = [JsonParser, FormParser]

    @describe(
        "auth_change_password",
        summary="Change one's password",
        request={"application/json": s.AuthServicePassword},
        responses={200: _EMPTY},
        refuses=[_WRONG_PASSWORD, _PASSWORD_TOO_COMMON, THROTTLED],
    )
    def post(self, request: Request) -> HttpResponse:
        """Change the password; every other session of the account ends."""
        given = _validate(s.AuthServicePassword(data=request.data))
        current, new = given["currentPassword"], given["newPassword"]
        session = current_session(request)
        try:
            change_password(
                caller(request),
                current=current,
                new=new,
                origin=read_origin(request._request),
                except_session=session,
            )
        except BadCredentials:
            raise ValidationError({"currentPassword": ValidationError("", code="wrong")}) from None
        except ValidationError as error:
            raise ValidationError({"newPassword": error.error_list}) from None
        return HttpResponse(status=200)


def _validate(form: Any) -> dict[str, str]:
    form.is_valid(raise_exception=True)
    given: dict[str, str] = form.validated_data
    return given
