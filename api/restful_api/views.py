"""The image RESTful API's views."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import TemporaryUploadedFile
from django.db.models import QuerySet
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.cookies import clear_token_cookies, set_token_cookies
from accounts.models import User
from accounts.request_origin import client_of
from accounts.requests import SignIn, refuse_cross_site
from accounts.services import identify, sign_out
from accounts.sessions import open_api_token, open_cookies
from api.pagination import CURSOR_SCHEMA, LIMIT_SCHEMA, PAGE, Page
from api.parsers import JsonParser
from api.responses import Describe
from api.restful_api import serializers as s
from api.restful_api.errors import describe
from api.restful_api.rows import (
    THUMBNAIL_FIELDS,
    host_of,
    listed,
    picture_row,
    thumbnail_row,
    written,
    written_details,
)
from api.views import SMALL_BODY, ContractView, caller
from delivery.access import grants_original
from images.links import make_link, require_link_grant
from images.models import Picture
from images.services import create_picture, delete_picture, update_picture
from thumbnails.models import Thumbnail
from thumbnails.services import delete_thumbnail

_PAGE_PARAMETERS = [
    OpenApiParameter("limit", LIMIT_SCHEMA, description=f"{PAGE} unless told."),
    OpenApiParameter(
        "cursor", CURSOR_SCHEMA, description="From the Link header of the page before."
    ),
]
# Raw OpenAPI: reasons by field, or one reason where no field is to blame.
BAD_INPUT = {
    "oneOf": [
        {
            "type": "object",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
        {
            "type": "object",
            "properties": {"detail": {"type": "string"}},
            "required": ["detail"],
            "additionalProperties": False,
        },
    ]
}
CLOSED: dict[int, Any] = {401: s.RestfulDetail, 503: s.RestfulDetail}


class RestfulView(ContractView):
    """A view of the image RESTful API."""

    describe: Describe = staticmethod(describe)


class SignInView(RestfulView):
    """A view that anyone may call with a login and password, as JSON or as a form."""

    authentication_classes = []
    permission_classes = [AllowAny]
    parser_classes = [JsonParser, FormParser, MultiPartParser]

    def signed_in(self, request: Request) -> User:
        """Return the account that the body names; raises what `identify` raises."""
        form = s.RestfulSignIn(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        return identify(request._request, login=given["username"], password=given["password"])


_SIGN_IN_ANSWERS: dict[int, Any] = {
    400: BAD_INPUT, 401: s.RestfulDetail, 413: s.RestfulDetail, 415: s.RestfulDetail,
    429: s.RestfulDetail, 503: s.RestfulDetail,
}  # fmt: skip


class TokenView(SignInView):
    """`token/`."""

    @extend_schema(
        summary="Get an API token",
        request=s.RestfulSignIn,
        responses={200: s.RestfulToken, **_SIGN_IN_ANSWERS},
    )
    def post(self, request: Request) -> Response:
        """Open a session whose token goes into `Authorization: Token <key>`."""
        user = self.signed_in(request)
        return Response({"token": open_api_token(user, client_of(request._request))})


class JwtLoginView(SignInView):
    """`jwt-login/`."""

    @extend_schema(
        summary="Sign in with JWT cookies",
        request=s.RestfulSignIn,
        responses={200: s.RestfulSuccess, 403: s.RestfulDetail, **_SIGN_IN_ANSWERS},
    )
    def post(self, request: Request) -> Response:
        """Open a browser's session: two HttpOnly cookies that renew themselves."""
        refuse_cross_site(request._request)
        user = self.signed_in(request)
        response = Response({"success": True})
        set_token_cookies(response, open_cookies(user, client_of(request._request)))
        return response


class JwtLogoutView(RestfulView):
    """`jwt-logout/`."""

    permission_classes = [AllowAny]

    @extend_schema(
        summary="Sign out",
        request=None,
        responses={204: None, 401: s.RestfulDetail, 403: s.RestfulDetail, 503: s.RestfulDetail},
    )
    def post(self, request: Request) -> Response:
        """End the session that the request comes from; 204 also when it had ended before."""
        if isinstance(request.auth, SignIn):
            sign_out(request.auth.session, token=request.auth.token)
        response = Response(status=204)
        clear_token_cookies(response)
        return response


class PicturesView(RestfulView):
    """`images/`."""

    parser_classes = [MultiPartParser]

    def largest_body(self, request: Request) -> int:
        """Return the tier's upload limit and room for the form around the file."""
        return caller(request).tier.max_upload_bytes + SMALL_BODY

    @extend_schema(
        summary="List your pictures",
        parameters=_PAGE_PARAMETERS,
        responses={200: s.RestfulPicture(many=True), 400: BAD_INPUT, **CLOSED},
    )
    def get(self, request: Request) -> Response:
        """Return a page of the caller's pictures, newest first."""
        viewer, host = caller(request), host_of(request)
        original = grants_original(viewer, viewer)

        def rows(page: Page) -> Iterable[Any]:
            own = Picture.objects.owned_by(viewer)
            return page.rows(own).values("id", "key", "created_at")

        return listed(request, rows, lambda row: picture_row(row, host=host, original=original))

    @extend_schema(
        summary="Upload a picture",
        request={"multipart/form-data": s.RestfulUpload},
        responses={
            201: s.RestfulPicture, 400: BAD_INPUT, 403: s.RestfulDetail,
            413: s.RestfulDetail, 415: s.RestfulDetail, **CLOSED,
        },
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Store a picture; its thumbnails follow within seconds."""
        form = s.RestfulUpload(data=request.data)
        form.is_valid(raise_exception=True)
        upload: TemporaryUploadedFile = form.validated_data["image"]
        path = Path(upload.temporary_file_path())
        picture = create_picture(owner=caller(request), upload=path)
        return Response(written(request, picture), status=201)


class PictureView(RestfulView):
    """`images/{id}/`."""

    @extend_schema(
        summary="Read a picture",
        responses={200: s.RestfulPictureDetails, 404: s.RestfulDetail, **CLOSED},
    )
    def get(self, request: Request, pk: int) -> Response:
        """Return one picture, with what its owner says of it."""
        return Response(written_details(request, _own_picture(request, pk)))

    @extend_schema(
        summary="Describe a picture, or change who may see it",
        request=s.RestfulChange,
        responses={
            200: s.RestfulPictureDetails, 400: BAD_INPUT, 403: s.RestfulDetail,
            404: s.RestfulDetail, 413: s.RestfulDetail, 415: s.RestfulDetail, **CLOSED,
        },
    )  # fmt: skip
    def patch(self, request: Request, pk: int) -> Response:
        """Change what is given."""
        picture = _own_picture(request, pk)
        form = s.RestfulChange(data=request.data)
        form.is_valid(raise_exception=True)
        update_picture(picture, **form.validated_data)
        return Response(written_details(request, picture))

    @extend_schema(
        summary="Delete a picture",
        responses={204: None, 403: s.RestfulDetail, 404: s.RestfulDetail, **CLOSED},
    )
    def delete(self, request: Request, pk: int) -> Response:
        """Remove a picture, its thumbnails, its links and every file."""
        delete_picture(_own_picture(request, pk))
        return Response(status=204)


class ThumbnailsView(RestfulView):
    """`thumbnails/`."""

    @extend_schema(
        summary="List your thumbnails",
        parameters=_PAGE_PARAMETERS,
        responses={200: s.RestfulThumbnail(many=True), 400: BAD_INPUT, **CLOSED},
    )
    def get(self, request: Request) -> Response:
        """Return a page of the thumbnails of the caller's pictures, newest first."""
        viewer, host = caller(request), host_of(request)

        def rows(page: Page) -> Iterable[Any]:
            granted: QuerySet[Thumbnail] = Thumbnail.objects.granted_to(viewer)
            values: Iterable[Any] = page.rows(granted).values(*THUMBNAIL_FIELDS)
            return values

        return listed(request, rows, lambda row: thumbnail_row(row, host=host))


class ThumbnailView(RestfulView):
    """`thumbnails/{id}/`."""

    @extend_schema(
        summary="Read a thumbnail",
        responses={200: s.RestfulThumbnail, 404: s.RestfulDetail, **CLOSED},
    )
    def get(self, request: Request, pk: int) -> Response:
        """Return one thumbnail."""
        visible = Thumbnail.objects.visible_to(caller(request))
        row = visible.values(*THUMBNAIL_FIELDS).get(pk=pk)
        return Response(thumbnail_row(row, host=host_of(request)))

    @extend_schema(
        summary="Delete a thumbnail",
        responses={204: None, 403: s.RestfulDetail, 404: s.RestfulDetail, **CLOSED},
    )
    def delete(self, request: Request, pk: int) -> Response:
        """Remove one thumbnail and its file."""
        delete_thumbnail(Thumbnail.objects.visible_to(caller(request)).get(pk=pk))
        return Response(status=204)


class LinkView(RestfulView):
    """`link/{id}/`; no HEAD, which would make a link."""

    http_method_names = ["get"]

    @extend_schema(
        summary="Make an expiring link",
        parameters=[
            OpenApiParameter(
                "time", int, required=True, description="Seconds; the tier sets the bounds."
            )
        ],
        responses={
            200: s.RestfulLink, 400: BAD_INPUT, 403: s.RestfulDetail,
            404: s.RestfulDetail, **CLOSED,
        },
    )  # fmt: skip
    def get(self, request: Request, pk: int) -> Response:
        """Return a link that opens in a bare browser until its time is over."""
        require_link_grant(maker := caller(request))
        picture = _own_picture(request, pk)
        query = s.RestfulLinkQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        seconds = query.validated_data["time"]
        _, token = make_link(maker=maker, picture=picture, seconds=seconds)
        url = request.build_absolute_uri(reverse("link", args=[token]))
        return Response({"url": url, "expires_in": seconds})


def _own_picture(request: Request, pk: int) -> Picture:
    """Find a picture among those the caller may change: another's is simply not found."""
    picture: Picture = Picture.objects.changeable_by(caller(request)).with_owner().get(pk=pk)
    return picture
