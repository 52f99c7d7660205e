"""The image RESTful API's views."""

from functools import partial
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import TemporaryUploadedFile
from django.http import HttpResponseBase
from drf_spectacular.utils import OpenApiResponse
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.cookies import clear_token_cookies, set_token_cookies
from accounts.exceptions import BadCredentials, MissingScope, WrongCode
from accounts.models import User
from accounts.request_authentication import Authentication, read_origin, refuse_cross_site
from accounts.scopes import Scope
from accounts.second_factor import spend_code
from accounts.services import sign_out, verify_credentials
from accounts.sessions import open_api_token_session, open_cookie_session
from api.multipart_parser import MultiPartParser, sent_name
from api.openapi.files import NOT_MODIFIED, PICTURE_LIMITS
from api.openapi.operations import describe
from api.openapi.pages import BAD_CURSOR, BAD_LIMIT, page_parameters
from api.openapi.refusals import (
    CREDENTIALS,
    CROSS_SITE,
    NO_PICTURE,
    NOT_A_PICTURE,
    NOT_FOUND,
    QUOTA,
    SIGN_IN_LIMITS,
    THROTTLED,
    Refusal,
    invalid_input,
)
from api.own_lists import own_thumbnails
from api.pagination import Rows
from api.parsers import FormParser, JsonParser, NoFileParser
from api.restful_api import picture_serializers as p
from api.restful_api import serializers as s
from api.restful_api.cached_lists import cached_list_response
from api.restful_api.picture_fields import (
    DETAIL_FIELDS,
    LIST_FIELDS,
    columns_of,
    write_own_rows,
    write_picture,
)
from api.views import (
    MAX_TEXT_BODY_SIZE,
    ContractView,
    PublicView,
    caller,
    client_urls,
    may_read,
    read_body,
    read_query,
)
from delivery.client_urls import vary_by_accept
from images.models import Picture
from images.permissions import PicturePermission
from images.services import create_picture, delete_picture, update_picture
from thumbnails.models import Thumbnail
from thumbnails.services import delete_thumbnail

DONE = OpenApiResponse(description="Done; there is no body.")
_PICTURE = {"id": "The picture's number."}
_THUMBNAIL = {"id": "The thumbnail's number."}
_DETAILS = f"Without `fields`, it returns {', '.join(f'`{name}`' for name in DETAIL_FIELDS)}."


class CredentialsView(PublicView):
    """A view that anyone may call with a login and password, as JSON or as a form."""

    parser_classes = [JsonParser, FormParser, MultiPartParser]


def _verify_credentials(request: Request, given: dict[str, Any]) -> User:
    """Return the account that the body names; raises what the service raises."""
    origin = read_origin(request._request)
    return verify_credentials(login=given["username"], password=given["password"], origin=origin)


# Word for word as REST framework's `AuthTokenSerializer` has it.
_UNABLE_TO_LOG_IN = {
    "non_field_errors": [
        ErrorDetail("Unable to log in with provided credentials.", code="authorization")
    ]
}
_WRONG_CODE = Refusal(
    "wrong_code", "Login and password are right, and `otp` is not, or was used before.", WrongCode
)
_TOKEN_CREDENTIALS = Refusal(
    CREDENTIALS.name, CREDENTIALS.when, lambda: ValidationError(_UNABLE_TO_LOG_IN)
)


class TokenView(CredentialsView):
    """`token/`: REST framework's own view returns a 400 for wrong credentials, and so does this."""

    @describe(
        "token_create",
        summary="Get an API token",
        description="Open a session whose token goes into `Authorization: Token <key>`, for 365 "
        f"days unless the service is set otherwise. Forms are taken too. {SIGN_IN_LIMITS}",
        request={"application/json": s.RestfulSignIn},
        responses={200: s.RestfulToken},
        refuses=[_TOKEN_CREDENTIALS, THROTTLED],
    )
    def post(self, request: Request) -> Response:
        """Open a session whose token goes into `Authorization: Token <key>`."""
        given = read_body(request, s.RestfulSignIn)
        try:
            user = _verify_credentials(request, given)
            token = open_api_token_session(user, read_origin(request._request))
        except BadCredentials:
            raise ValidationError(_UNABLE_TO_LOG_IN) from None
        self.remember_device(user)
        return Response({"token": token})


class JwtLoginView(CredentialsView):
    """`jwt-login/`."""

    @describe(
        "jwt_login",
        summary="Sign in with JWT cookies",
        description="Open a browser's session: two HttpOnly cookies that renew themselves for a "
        "day unless the service is set otherwise. Forms are taken too. Where `site/` says "
        "`second_factor`, members of staff have no more rights than other members in a session "
        f"that was opened without `otp`. {SIGN_IN_LIMITS}",
        request={"application/json": s.RestfulJwtSignIn},
        responses={200: s.RestfulSuccess},
        refuses=[CREDENTIALS, _WRONG_CODE, CROSS_SITE, THROTTLED],
        headers=["Set-Cookie"],
    )
    def post(self, request: Request) -> Response:
        """Open a browser's session: two HttpOnly cookies that renew themselves."""
        refuse_cross_site(request._request)
        given, origin = read_body(request, s.RestfulJwtSignIn), read_origin(request._request)
        user = _verify_credentials(request, given)
        factor = spend_code(user, given["otp"]) if given.get("otp") else None
        response = Response({"success": True})
        set_token_cookies(response, open_cookie_session(user, origin, factor))
        self.remember_device(user)
        return response


class JwtLogoutView(ContractView):
    """`jwt-logout/`."""

    permission_classes = [AllowAny]

    @describe(
        "jwt_logout",
        summary="Sign out",
        description="A browser forgets the pictures that it kept, over HTTPS.",
        request=None,
        responses={204: DONE},
        headers=["Set-Cookie", "Clear-Site-Data"],
    )
    def post(self, request: Request) -> Response:
        """End the session that the request comes from; 204 also when it had ended before."""
        if isinstance(request.auth, Authentication):
            sign_out(request.auth.session, authorization=request.auth.authorization)
        response = Response(status=204)
        clear_token_cookies(response)
        # What the next person at this browser could find: pictures, by their signed addresses.
        response["Clear-Site-Data"] = '"cache"'
        return response


class PictureListView(ContractView):
    """`images/`."""

    parser_classes = [MultiPartParser, NoFileParser]
    file_field = "image"
    takes_uploads = True

    def max_body_size(self, request: Request) -> int:
        """Return the tier's upload limit and room for the form around the file."""
        return caller(request).tier.max_upload_bytes + MAX_TEXT_BODY_SIZE

    @describe(
        "images_list",
        summary="List your pictures",
        description="Return a page of the caller's pictures, newest first unless asked otherwise; "
        "without `fields`, `id` and `image` of each. A list is kept for 15 seconds unless the "
        "service is set otherwise; one's own changes show at once.",
        parameters=[p.RestfulPictureQuery, *page_parameters()],
        responses={200: p.RestfulPictureFacts(many=True), 304: NOT_MODIFIED},
        refuses=[invalid_input(p.RestfulPictureQuery, {"fields": "size"}), BAD_LIMIT, BAD_CURSOR],
        headers=["Link", "ETag"],
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Return a page of the caller's pictures, newest first unless asked otherwise."""
        viewer, query = caller(request), read_query(request, p.RestfulPictureQuery)
        names = query.get("fields", LIST_FIELDS)
        write = partial(write_own_rows, names=names, owner=viewer, urls=client_urls(request))
        return cached_list_response(
            request,
            lambda: p.choose_pictures(viewer, query),
            columns_of(names),
            write,
            oldest_first=p.is_oldest_first(query),
        )

    @describe(
        "images_upload",
        summary="Upload a picture",
        description=f"Store a picture; its thumbnails follow within seconds. {PICTURE_LIMITS}",
        request={"multipart/form-data": s.RestfulUpload},
        responses={201: s.RestfulPicture},
        refuses=[NOT_A_PICTURE, QUOTA],
    )
    def post(self, request: Request) -> Response:
        """Store a picture; its thumbnails follow within seconds."""
        form = s.RestfulUpload(data=request.data)
        form.is_valid(raise_exception=True)
        upload: TemporaryUploadedFile = form.validated_data["image"]
        path = Path(upload.temporary_file_path())
        owner = caller(request)
        picture = create_picture(
            owner=owner,
            upload=path,
            name=sent_name(upload),
            metadata=form.validated_data.get("metadata"),
            retry=self.read_retry(request),
        )
        body = write_picture(picture, LIST_FIELDS, viewer=owner, urls=client_urls(request))
        return Response(body, status=201)


class PictureDetailView(ContractView):
    """`images/{id}/`."""

    @describe(
        "images_retrieve",
        summary="Read a picture",
        description=_DETAILS,
        parameters=[p.RestfulFieldsQuery],
        responses={200: p.RestfulPictureFacts},
        refuses=[invalid_input(p.RestfulFieldsQuery, {"fields": "size"}), NO_PICTURE],
        fields=_PICTURE,
    )
    def get(self, request: Request, pk: int) -> Response:
        """Return one picture, with what its owner says of it."""
        names = _read_field_names(request)
        picture = find_picture(request, pk, PicturePermission.VIEW)
        return _details_response(request, picture, names)

    @describe(
        "images_update",
        summary="Describe a picture, name it, or change who may see it",
        description=_DETAILS,
        parameters=[p.RestfulFieldsQuery],
        request={"application/json": s.RestfulChange},
        responses={200: p.RestfulPictureFacts},
        refuses=[invalid_input(s.RestfulChange, {"visibility": "friends"}), NO_PICTURE],
        fields=_PICTURE,
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Change what is given; whose token may not read is told no more than that it was done."""
        names = _read_field_names(request)
        if "fields" in request.query_params and not may_read(request):
            raise MissingScope([Scope.READ])
        picture = find_picture(request, pk, PicturePermission.CHANGE)
        form = s.RestfulChange(data=request.data)
        form.is_valid(raise_exception=True)
        update_picture(picture, **form.validated_data)
        response = _details_response(request, picture, names)
        if not may_read(request):
            # Neither an address that opens the bytes, nor what shows them in small.
            response.data |= {
                "image": picture.file_name, "thumbhash": None, "dominant_color": None
            }  # fmt: skip
        return response

    @describe(
        "images_delete",
        summary="Delete a picture",
        responses={204: DONE},
        refuses=[NO_PICTURE],
        fields=_PICTURE,
    )
    def delete(self, request: Request, pk: int) -> Response:
        """Remove a picture, its thumbnails, its links and every file."""
        delete_picture(find_picture(request, pk, PicturePermission.DELETE))
        return Response(status=204)


class ThumbnailListView(ContractView):
    """`thumbnails/`."""

    @describe(
        "thumbnails_list",
        summary="List your thumbnails",
        parameters=[p.RestfulThumbnailQuery, *page_parameters()],
        responses={200: s.RestfulThumbnail(many=True), 304: NOT_MODIFIED},
        refuses=[invalid_input(p.RestfulThumbnailQuery, {"image_id": "x"}), BAD_LIMIT, BAD_CURSOR],
        headers=["Link", "ETag"],
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Return a page of the thumbnails of the caller's pictures, newest first."""
        viewer, query = caller(request), read_query(request, p.RestfulThumbnailQuery)

        def choose() -> Rows:
            image_id = query.get("image_id")
            if image_id is None:
                return own_thumbnails.of(viewer.pk, viewer.tier_id)
            return Thumbnail.objects.granted_to(viewer).filter(picture=image_id)

        def serialize(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
            urls = client_urls(request)
            return [s.serialize_thumbnail_row(row, urls=urls) for row in rows]

        return cached_list_response(request, choose, s.THUMBNAIL_FIELDS, serialize)


class ThumbnailDetailView(ContractView):
    """`thumbnails/{id}/`."""

    @describe(
        "thumbnails_retrieve",
        summary="Read a thumbnail",
        responses={200: s.RestfulThumbnail},
        refuses=[NOT_FOUND],
        fields=_THUMBNAIL,
    )
    def get(self, request: Request, pk: int) -> Response:
        """Return one thumbnail."""
        visible = Thumbnail.objects.visible_to(caller(request))
        row = visible.values(*s.THUMBNAIL_FIELDS).get(pk=pk)
        response = Response(s.serialize_thumbnail_row(row, urls=client_urls(request)))
        vary_by_accept(response)
        return response

    @describe(
        "thumbnails_delete",
        summary="Delete a thumbnail",
        responses={204: DONE},
        refuses=[NOT_FOUND],
        fields=_THUMBNAIL,
    )
    def delete(self, request: Request, pk: int) -> Response:
        """Remove one thumbnail and its file."""
        reached = Thumbnail.objects.in_reach_of(caller(request), PicturePermission.DELETE)
        delete_thumbnail(reached.get(pk=pk))
        return Response(status=204)


def find_picture(request: Request, pk: int, permission: PicturePermission) -> Picture:
    """Return a picture of the caller's, or of anybody's by the permission; else it is not found."""
    reached = Picture.objects.in_reach_of(caller(request), permission)
    picture: Picture = reached.with_owner().get(pk=pk)
    return picture


def _read_field_names(request: Request) -> tuple[str, ...]:
    names: tuple[str, ...] = read_query(request, p.RestfulFieldsQuery).get("fields", DETAIL_FIELDS)
    return names


def _details_response(request: Request, picture: Picture, names: tuple[str, ...]) -> Response:
    body = write_picture(picture, names, viewer=caller(request), urls=client_urls(request))
    response = Response(body)
    if "thumbnails" in names:
        vary_by_accept(response)
    return response
