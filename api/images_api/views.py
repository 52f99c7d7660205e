"""The images API's views."""

from collections.abc import Mapping
from datetime import UTC, datetime
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
from accounts.request_origin import client_of
from accounts.services import identify
from accounts.sessions import open_bearer
from api.base64_pictures import decoded, largest_json_body
from api.images_api import serializers as s
from api.images_api.errors import describe
from api.pagination import Cursor, Page
from api.parsers import PictureJsonParser
from api.problems import Problem, Refused
from api.responses import Describe
from api.views import ContractView, caller
from delivery.access import file_for
from delivery.responses import serve
from images.formats.registry import FORMATS
from images.models import Picture
from images.services import create_picture

# A picture may be made private at any moment: whoever keeps it asks each time.
_ASK_EACH_TIME = "no-cache"


def _fails(*codes: int) -> dict[Any, Any]:
    return dict.fromkeys((400, 503, *codes), s.ImagesApiError)


class ImagesApiView(ContractView):
    """A view of the images API."""

    describe: Describe = staticmethod(describe)


class PublicView(ImagesApiView):
    """A view that asks for no token, and reads none."""

    authentication_classes = []
    permission_classes = [AllowAny]


class RegistrationView(PublicView):
    """`registration`."""

    @extend_schema(
        summary="Make an account",
        request=s.ImagesApiRegistration,
        responses={200: s.ImagesApiAccount, **_fails(409, 413, 415, 429)},
    )
    def post(self, request: Request) -> Response:
        """Make an account; a login and an email address belong to one each."""
        form = s.ImagesApiRegistration(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        try:
            user = sign_up(client=client_of(request._request), **given)
        except ValidationError as error:
            raise _taken(error, given) or error from None
        return Response(
            {
                "createTime": user.date_joined.isoformat(timespec="microseconds"),
                "email": user.email,
                "id": str(user.pk),
                "login": user.username,
            }
        )


class LoginView(PublicView):
    """`login`: GET with a body in the contract, POST too; no HEAD, which would open a session."""

    http_method_names = ["get", "post"]

    @extend_schema(
        summary="Sign in (the contract's GET carries the same JSON as the POST)",
        responses={200: s.ImagesApiToken, **_fails(403, 413, 415, 429)},
    )
    def get(self, request: Request) -> Response:
        """Open a session."""
        return self._signed_in(request)

    @extend_schema(
        summary="Sign in",
        request=s.ImagesApiSignIn,
        responses={200: s.ImagesApiToken, **_fails(403, 413, 415, 429)},
    )
    def post(self, request: Request) -> Response:
        """Open a session."""
        return self._signed_in(request)

    def _signed_in(self, request: Request) -> Response:
        form = s.ImagesApiSignIn(data=request.data)
        form.is_valid(raise_exception=True)
        user = identify(request._request, **form.validated_data)
        return Response({"Authorization": open_bearer(user, client_of(request._request))})


class MeView(ImagesApiView):
    """`me`."""

    @extend_schema(
        summary="One's page",
        parameters=[OpenApiParameter("limit", int), OpenApiParameter("cursor", str)],
        responses={200: s.ImagesApiMe, **_fails(401)},
    )
    def get(self, request: Request) -> Response:
        """Return the account and a page of its pictures, newest first."""
        user, page = caller(request), Page.of(request._request)
        own = Picture.objects.owned_by(user)
        found = list(page.rows(own).values("id", "uid", "description", "created_at"))
        shown = found[: page.limit]
        body = {
            "id": str(user.pk),
            "images": [_image(row) for row in shown],
            "login": user.username,
        }
        if len(found) == len(shown):
            return Response(body)
        last = Cursor(shown[-1]["created_at"], shown[-1]["id"])
        following = page.next_url(request._request, last)
        return Response(body, headers={"Link": f'<{following}>; rel="next"'})


class UploadView(ImagesApiView):
    """`images`."""

    parser_classes = [PictureJsonParser]

    def largest_body(self, request: Request) -> int:
        """Return what the tier's largest picture is in base64."""
        return largest_json_body(caller(request))

    @extend_schema(
        summary="Store a picture",
        request=s.ImagesApiUpload,
        responses={200: s.ImagesApiUploaded, **_fails(401, 403, 413, 415)},
    )
    def post(self, request: Request) -> Response:
        """Store a picture that anyone who knows its id may see."""
        form = s.ImagesApiUpload(data=request.data)
        form.is_valid(raise_exception=True)
        given, owner = form.validated_data, caller(request)
        with decoded(given["data"], owner) as upload:
            picture = create_picture(
                owner=owner,
                upload=upload,
                visibility=Picture.Visibility.PUBLIC,
                description=given["description"],
            )
        return Response(_uploaded(picture, owner))


class ImageView(ImagesApiView):
    """`images/<uuid>`."""

    permission_classes = [AllowAny]

    @extend_schema(
        summary="The picture itself",
        responses={
            **{(200, each.content_type): OpenApiTypes.BINARY for each in FORMATS.values()},
            304: None,
            **_fails(401, 404),
        },
    )
    def get(self, request: Request, uid: UUID) -> HttpResponseBase:
        """Return the bytes; a public picture asks for no token."""
        viewer = request.user if isinstance(request.user, User) else None
        picture = Picture.objects.by_uid(uid)
        rendition = file_for(viewer, picture)
        return serve(
            request._request, rendition.key, rendition.content_type, cache_control=_ASK_EACH_TIME
        )


def _taken(error: ValidationError, given: dict[str, str]) -> Refused | None:
    """Word a name that is taken as the contract does."""
    taken = [name for name, each in error.error_dict.items() if each[0].code == "unique"]
    if "username" in taken:
        return Refused(Problem("conflict", 409, f"Login {given['login']} already exists"))
    if "email" in taken:
        return Refused(Problem("conflict", 409, f"Email {given['email']} already exists"))
    return None


def _image(row: Mapping[str, Any]) -> dict[str, str]:
    return {
        "description": row["description"],
        "id": str(row["uid"]),
        "source": f"/api/images/{row['uid']}",
        "upload_date": _date(row["created_at"]),
    }


def _uploaded(picture: Picture, owner: User) -> dict[str, str]:
    return {
        "id": str(picture.uid),
        "login": owner.username,
        "source": f"/api/images/{picture.uid}",
        "upload_date": f"{_date(picture.created_at)}+00:00",
    }


def _date(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
