"""The image RESTful API's views."""

from functools import partial
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import TemporaryUploadedFile
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.cookies import clear_token_cookies, set_token_cookies
from accounts.exceptions import BadCredentials
from accounts.models import User
from accounts.request_authentication import Authentication, read_origin, refuse_cross_site
from accounts.services import sign_out, verify_credentials
from accounts.sessions import open_api_token_session, open_cookie_session
from api.multipart_parser import MultiPartParser
from api.pagination import CURSOR_SCHEMA, DEFAULT_PAGE_SIZE, LIMIT_SCHEMA
from api.parsers import FormParser, JsonParser, NoFileParser
from api.restful_api import serializers as s
from api.restful_api.cached_lists import cached_list_response
from api.views import MAX_TEXT_BODY_SIZE, ContractView, PublicView, base_url, caller
from delivery.access import grants_original
from images.links import make_link, require_link_grant
from images.models import Picture
from images.services import create_picture, delete_picture, update_picture
from thumbnails.models import Thumbnail
from thumbnails.services import delete_thumbnail

_PAGE_PARAMETERS = [
    OpenApiParameter("limit", LIMIT_SCHEMA, description=f"{DEFAULT_PAGE_SIZE} unless told."),
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
CLOSED_ERRORS: dict[int, Any] = {401: s.RestfulDetail, 503: s.RestfulDetail}


class CredentialsView(PublicView):
    """A view that anyone may call with a login and password, as JSON or as a form."""

    parser_classes = [JsonParser, FormParser, MultiPartParser]

    def verify_credentials(self, request: Request) -> User:
        """Return the account that the body names; raises what the service raises."""
        form = s.RestfulSignIn(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        return verify_credentials(
            login=given["username"],
            password=given["password"],
            origin=read_origin(request._request),
        )


_SIGN_IN_ERRORS: dict[int, Any] = {
    400: BAD_INPUT, 413: s.RestfulDetail, 415: s.RestfulDetail, 429: s.RestfulDetail,
    503: s.RestfulDetail,
}  # fmt: skip
# Word for word as REST framework's `AuthTokenSerializer` has it.
_UNABLE_TO_LOG_IN = {
    "non_field_errors": [
        ErrorDetail("Unable to log in with provided credentials.", code="authorization")
    ]
}


class TokenView(CredentialsView):
    """`token/`: REST framework's own view returns a 400 for wrong credentials, and so does this."""

    @extend_schema(
        summary="Get an API token",
        request=s.RestfulSignIn,
        responses={200: s.RestfulToken, **_SIGN_IN_ERRORS},
    )
    def post(self, request: Request) -> Response:
        """Open a session whose token goes into `Authorization: Token <key>`."""
        try:
            user = self.verify_credentials(request)
        except BadCredentials:
            raise ValidationError(_UNABLE_TO_LOG_IN) from None
        return Response({"token": open_api_token_session(user, read_origin(request._request))})


class JwtLoginView(CredentialsView):
    """`jwt-login/`."""

    @extend_schema(
        summary="Sign in with JWT cookies",
        request=s.RestfulSignIn,
        responses={
            200: s.RestfulSuccess,
            401: s.RestfulDetail,
            403: s.RestfulDetail,
            **_SIGN_IN_ERRORS,
        },
    )
    def post(self, request: Request) -> Response:
        """Open a browser's session: two HttpOnly cookies that renew themselves."""
        refuse_cross_site(request._request)
        user = self.verify_credentials(request)
        response = Response({"success": True})
        set_token_cookies(response, open_cookie_session(user, read_origin(request._request)))
        return response


class JwtLogoutView(ContractView):
    """`jwt-logout/`."""

    permission_classes = [AllowAny]

    @extend_schema(
        summary="Sign out",
        request=None,
        responses={204: None, 401: s.RestfulDetail, 403: s.RestfulDetail, 503: s.RestfulDetail},
    )
    def post(self, request: Request) -> Response:
        """End the session that the request comes from; 204 also when it had ended before."""
        if isinstance(request.auth, Authentication):
            sign_out(request.auth.session, authorization=request.auth.authorization)
        response = Response(status=204)
        clear_token_cookies(response)
        return response


class PictureListView(ContractView):
    """`images/`."""

    parser_classes = [MultiPartParser, NoFileParser]
    file_field = "image"

    def max_body_size(self, request: Request) -> int:
        """Return the tier's upload limit and room for the form around the file."""
        return caller(request).tier.max_upload_bytes + MAX_TEXT_BODY_SIZE

    @extend_schema(
        summary="List your pictures",
        parameters=_PAGE_PARAMETERS,
        responses={200: s.RestfulPicture(many=True), 400: BAD_INPUT, **CLOSED_ERRORS},
    )
    def get(self, request: Request) -> Response:
        """Return a page of the caller's pictures, newest first."""
        viewer, base = caller(request), base_url(request)
        serialize = partial(
            s.serialize_picture_row, base=base, original=grants_original(viewer, viewer)
        )
        own = Picture.objects.owned_by(viewer)
        return cached_list_response(request, own, s.PICTURE_FIELDS, serialize)

    @extend_schema(
        summary="Upload a picture",
        request={"multipart/form-data": s.RestfulUpload},
        responses={
            201: s.RestfulPicture, 400: BAD_INPUT, 403: s.RestfulDetail,
            413: s.RestfulDetail, 415: s.RestfulDetail, **CLOSED_ERRORS,
        },
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Store a picture; its thumbnails follow within seconds."""
        form = s.RestfulUpload(data=request.data)
        form.is_valid(raise_exception=True)
        upload: TemporaryUploadedFile = form.validated_data["image"]
        path = Path(upload.temporary_file_path())
        owner = caller(request)
        picture = create_picture(owner=owner, upload=path)
        body = s.serialize_picture(picture, viewer=owner, base=base_url(request))
        return Response(body, status=201)


class PictureDetailView(ContractView):
    """`images/{id}/`."""

    @extend_schema(
        summary="Read a picture",
        responses={200: s.RestfulPictureDetails, 404: s.RestfulDetail, **CLOSED_ERRORS},
    )
    def get(self, request: Request, pk: int) -> Response:
        """Return one picture, with what its owner says of it."""
        return _details_response(request, _find_changeable(request, pk))

    @extend_schema(
        summary="Describe a picture, or change who may see it",
        request=s.RestfulChange,
        responses={
            200: s.RestfulPictureDetails, 400: BAD_INPUT, 403: s.RestfulDetail,
            404: s.RestfulDetail, 413: s.RestfulDetail, 415: s.RestfulDetail, **CLOSED_ERRORS,
        },
    )  # fmt: skip
    def patch(self, request: Request, pk: int) -> Response:
        """Change what is given."""
        picture = _find_changeable(request, pk)
        form = s.RestfulChange(data=request.data)
        form.is_valid(raise_exception=True)
        update_picture(picture, **form.validated_data)
        return _details_response(request, picture)

    @extend_schema(
        summary="Delete a picture",
        responses={204: None, 403: s.RestfulDetail, 404: s.RestfulDetail, **CLOSED_ERRORS},
    )
    def delete(self, request: Request, pk: int) -> Response:
        """Remove a picture, its thumbnails, its links and every file."""
        delete_picture(_find_changeable(request, pk))
        return Response(status=204)


class ThumbnailListView(ContractView):
    """`thumbnails/`."""

    @extend_schema(
        summary="List your thumbnails",
        parameters=_PAGE_PARAMETERS,
        responses={200: s.RestfulThumbnail(many=True), 400: BAD_INPUT, **CLOSED_ERRORS},
    )
    def get(self, request: Request) -> Response:
        """Return a page of the thumbnails of the caller's pictures, newest first."""
        serialize = partial(s.serialize_thumbnail_row, base=base_url(request))
        granted = Thumbnail.objects.granted_to(caller(request))
        return cached_list_response(request, granted, s.THUMBNAIL_FIELDS, serialize)


class ThumbnailDetailView(ContractView):
    """`thumbnails/{id}/`."""

    @extend_schema(
        summary="Read a thumbnail",
        responses={200: s.RestfulThumbnail, 404: s.RestfulDetail, **CLOSED_ERRORS},
    )
    def get(self, request: Request, pk: int) -> Response:
        """Return one thumbnail."""
        visible = Thumbnail.objects.visible_to(caller(request))
        row = visible.values(*s.THUMBNAIL_FIELDS).get(pk=pk)
        return Response(s.serialize_thumbnail_row(row, base=base_url(request)))

    @extend_schema(
        summary="Delete a thumbnail",
        responses={204: None, 403: s.RestfulDetail, 404: s.RestfulDetail, **CLOSED_ERRORS},
    )
    def delete(self, request: Request, pk: int) -> Response:
        """Remove one thumbnail and its file."""
        delete_thumbnail(Thumbnail.objects.visible_to(caller(request)).get(pk=pk))
        return Response(status=204)


class LinkView(ContractView):
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
            404: s.RestfulDetail, **CLOSED_ERRORS,
        },
    )  # fmt: skip
    def get(self, request: Request, pk: int) -> Response:
        """Return a link that opens in a bare browser until its time is over."""
        require_link_grant(maker := caller(request))
        picture = _find_changeable(request, pk)
        query = s.RestfulLinkQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        seconds = query.validated_data["time"]
        _, token = make_link(maker=maker, picture=picture, seconds=seconds)
        url = request.build_absolute_uri(reverse("link", args=[token]))
        return Response({"url": url, "expires_in": seconds})


def _find_changeable(request: Request, pk: int) -> Picture:
    """Return a picture that the caller may change; another's is simply not found."""
    picture: Picture = Picture.objects.changeable_by(caller(request)).with_owner().get(pk=pk)
    return picture


def _details_response(request: Request, picture: Picture) -> Response:
    base = base_url(request)
    return Response(s.serialize_details(picture, viewer=caller(request), base=base))
