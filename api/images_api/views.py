"""The images API's views."""

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.registration import sign_up
from accounts.request_authentication import read_origin
from accounts.services import verify_credentials
from accounts.sessions import open_bearer_session
from api.base64_pictures import decode_to_file, max_base64_body_size
from api.images_api import serializers as s
from api.pagination import page_response, read_page
from api.parsers import PictureJsonParser
from api.problems import Problem, ProblemError
from api.views import ContractView, PublicView, caller
from delivery.access import file_for
from delivery.responses import serve
from images.formats.registry import FORMATS
from images.models import Picture
from images.services import create_picture

# A picture may become private at any moment: caches revalidate it each time.
_REVALIDATE = "no-cache"


def _errors(*codes: int) -> dict[Any, Any]:
    return dict.fromkeys((400, 503, *codes), s.ImagesApiError)


class RegistrationView(PublicView):
    """`registration`."""

    @extend_schema(
        summary="Make an account",
        request=s.ImagesApiRegistration,
        responses={200: s.ImagesApiAccount, **_errors(409, 413, 415, 429)},
    )
    def post(self, request: Request) -> Response:
        """Make an account; a login and an email address belong to one each."""
        form = s.ImagesApiRegistration(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        try:
            user = sign_up(origin=read_origin(request._request), **given)
        except ValidationError as error:
            raise _conflict(error, given) or error from None
        return Response(s.serialize_account(user))


class LoginView(PublicView):
    """`login`: GET with a body in the contract, POST too; no HEAD, which would open a session."""

    http_method_names = ["get", "post"]

    @extend_schema(
        summary="Sign in (the contract's GET carries the same JSON as the POST)",
        responses={200: s.ImagesApiToken, **_errors(403, 413, 415, 429)},
    )
    def get(self, request: Request) -> Response:
        """Open a session."""
        return self._sign_in(request)

    @extend_schema(
        summary="Sign in",
        request=s.ImagesApiSignIn,
        responses={200: s.ImagesApiToken, **_errors(403, 413, 415, 429)},
    )
    def post(self, request: Request) -> Response:
        """Open a session."""
        return self._sign_in(request)

    def _sign_in(self, request: Request) -> Response:
        form = s.ImagesApiSignIn(data=request.data)
        form.is_valid(raise_exception=True)
        origin = read_origin(request._request)
        user = verify_credentials(origin=origin, **form.validated_data)
        return Response({"Authorization": open_bearer_session(user, origin)})


class MeView(ContractView):
    """`me`."""

    @extend_schema(
        summary="One's page",
        parameters=[OpenApiParameter("limit", int), OpenApiParameter("cursor", str)],
        responses={200: s.ImagesApiMe, **_errors(401)},
    )
    def get(self, request: Request) -> Response:
        """Return the account and a page of its pictures, newest first."""
        user = caller(request)
        own = Picture.objects.owned_by(user)
        rows, next_url = read_page(request, own, s.IMAGE_FIELDS)
        return page_response(s.serialize_me(user, rows), next_url)


class UploadView(ContractView):
    """`images`."""

    parser_classes = [PictureJsonParser]

    def max_body_size(self, request: Request) -> int:
        """Return the size of the tier's largest picture in base64."""
        return max_base64_body_size(caller(request))

    @extend_schema(
        summary="Store a picture",
        request=s.ImagesApiUpload,
        responses={200: s.ImagesApiUploaded, **_errors(401, 403, 413, 415)},
    )
    def post(self, request: Request) -> Response:
        """Store a picture that anyone who knows its id may see."""
        form = s.ImagesApiUpload(data=request.data)
        form.is_valid(raise_exception=True)
        given, owner = form.validated_data, caller(request)
        with decode_to_file(given["data"], owner) as upload:
            picture = create_picture(
                owner=owner,
                upload=upload,
                visibility=Picture.Visibility.PUBLIC,
                description=given["description"],
            )
        return Response(s.serialize_uploaded(picture, owner))


class ImageView(ContractView):
    """`images/<uuid>`."""

    permission_classes = [AllowAny]

    @extend_schema(
        summary="The picture itself",
        responses={
            **{(200, each.content_type): OpenApiTypes.BINARY for each in FORMATS.values()},
            304: None,
            **_errors(401, 404),
        },
    )
    def get(self, request: Request, uid: UUID) -> HttpResponseBase:
        """Return the bytes; a public picture asks for no token."""
        viewer = request.user if isinstance(request.user, User) else None
        picture = Picture.objects.by_uid(uid)
        rendition = file_for(viewer, picture)
        return serve(
            request._request, rendition.key, rendition.content_type, cache_control=_REVALIDATE
        )


def _conflict(error: ValidationError, given: dict[str, str]) -> ProblemError | None:
    """Return the contract's 409 where the login or the email address is taken."""
    taken = [name for name, each in error.error_dict.items() if each[0].code == "unique"]
    if "username" in taken:
        return ProblemError(Problem("conflict", 409, f"Login {given['login']} already exists"))
    if "email" in taken:
        return ProblemError(Problem("conflict", 409, f"Email {given['email']} already exists"))
    return None
