"""The images API's views."""

from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpResponseBase
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.registration import sign_up
from accounts.request_authentication import read_origin
from accounts.services import verify_credentials
from accounts.sessions import open_bearer_session
from accounts.throttling import SIGN_UPS_PER_ADDRESS
from api.base64_pictures import decode_to_file, max_base64_body_size
from api.images_api import serializers as s
from api.openapi.files import BYTES, BYTES_HEADERS, NOT_MODIFIED, PICTURE_LIMITS, PICTURE_TYPES
from api.openapi.operations import describe
from api.openapi.pages import BAD_CURSOR, BAD_LIMIT, page_parameters
from api.openapi.refusals import (
    BODY_TOO_LARGE,
    CREDENTIALS,
    INVALID_INVITATION,
    INVITATION_REQUIRED,
    MEDIA_TYPE,
    NO_PICTURE,
    NOT_A_PICTURE,
    PICTURE_NOT_READY,
    QUOTA,
    SIGN_IN_LIMITS,
    SIGN_UP_CLOSED,
    THROTTLED,
    Refusal,
    invalid_input,
)
from api.own_lists import own_pictures
from api.pagination import page_response, read_page
from api.parsers import PictureJsonParser
from api.problems import Problem, ProblemError
from api.views import ContractView, PublicView, caller
from delivery.access import file_for
from delivery.responses import serve
from images.models import Picture
from images.services import create_picture

# A picture may become private at any moment: caches revalidate it each time.
_REVALIDATE = "no-cache"


_LOGIN_TAKEN = Refusal(
    "login_taken",
    "The login, or the email address, belongs to another account.",
    lambda: Problem("conflict", 409, _taken("Login", "alice")),
)


class RegistrationView(PublicView):
    """`registration`."""

    @describe(
        "images_api_register",
        summary="Make an account",
        description="Make an account; a login and an email address belong to one each. At most "
        f"{SIGN_UPS_PER_ADDRESS.amount} accounts a minute from one address.",
        request={"application/json": s.ImagesApiRegistration},
        responses={200: s.ImagesApiAccount},
        refuses=[
            _LOGIN_TAKEN,
            INVALID_INVITATION,
            INVITATION_REQUIRED,
            SIGN_UP_CLOSED,
            THROTTLED,
        ],
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

    @describe(
        "images_api_login_by_get",
        summary="Sign in, as the contract has it: a GET with a body",
        description="Takes the same JSON body as the POST. Most clients, browsers among them, send "
        "no body with a GET, and OpenAPI describes none: use the POST.",
        responses={200: s.ImagesApiToken},
        refuses=[
            invalid_input(s.ImagesApiSignIn, {}), CREDENTIALS, BODY_TOO_LARGE, MEDIA_TYPE,
            THROTTLED,
        ],
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """Open a session."""
        return self._sign_in(request)

    @describe(
        "images_api_login",
        summary="Sign in",
        description=f"Open a session. {SIGN_IN_LIMITS}",
        request={"application/json": s.ImagesApiSignIn},
        responses={200: s.ImagesApiToken},
        refuses=[CREDENTIALS, THROTTLED],
    )
    def post(self, request: Request) -> Response:
        """Open a session."""
        return self._sign_in(request)

    def _sign_in(self, request: Request) -> Response:
        form = s.ImagesApiSignIn(data=request.data)
        form.is_valid(raise_exception=True)
        origin = read_origin(request._request)
        user = verify_credentials(origin=origin, **form.validated_data)
        self.remember_device(user)
        return Response({"Authorization": open_bearer_session(user, origin)})


class MeView(ContractView):
    """`me`."""

    @describe(
        "images_api_me",
        summary="One's page",
        parameters=page_parameters(),
        responses={200: s.ImagesApiMe},
        refuses=[BAD_LIMIT, BAD_CURSOR],
        headers=["Link"],
    )
    def get(self, request: Request) -> Response:
        """Return the account and a page of its pictures, newest first."""
        user = caller(request)
        rows, next_url = read_page(request, own_pictures.of(user.pk), s.IMAGE_FIELDS)
        return page_response(s.serialize_me(user, rows), next_url)


class UploadView(ContractView):
    """`images`."""

    parser_classes = [PictureJsonParser]
    picture_field = "data"
    takes_uploads = True

    def max_body_size(self, request: Request) -> int:
        """Return the size of the tier's largest picture in base64."""
        return max_base64_body_size(caller(request))

    @describe(
        "images_api_upload",
        summary="Store a picture",
        description=f"Store a picture that anyone who knows its id may see. {PICTURE_LIMITS}",
        request={"application/json": s.ImagesApiUpload},
        responses={200: s.ImagesApiUploaded},
        refuses=[NOT_A_PICTURE, QUOTA],
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
                retry=self.read_retry(request),
            )
        return Response(s.serialize_uploaded(picture, owner))


class ImageView(ContractView):
    """`images/<uuid>`."""

    permission_classes = [AllowAny]

    @describe(
        "images_api_image",
        summary="The picture itself",
        responses={
            **{(200, content_type): BYTES for content_type in PICTURE_TYPES},
            304: NOT_MODIFIED,
        },
        refuses=[NO_PICTURE, PICTURE_NOT_READY],
        headers=BYTES_HEADERS,
        fields={"uid": "The picture's UUID."},
    )
    def get(self, request: Request, uid: UUID) -> HttpResponseBase:
        """Return the bytes; a public picture asks for no token."""
        viewer = request.user if isinstance(request.user, User) else None
        picture = Picture.objects.by_uid(uid)
        rendition = file_for(viewer, picture)
        return serve(
            request._request,
            rendition.key,
            rendition.content_type,
            cache_control=_REVALIDATE,
            name=rendition.name,
        )


def _conflict(error: ValidationError, given: dict[str, str]) -> ProblemError | None:
    """Return the contract's 409 where the login or the email address is taken."""
    taken = [name for name, each in error.error_dict.items() if each[0].code == "unique"]
    if "username" in taken:
        return ProblemError(Problem("conflict", 409, _taken("Login", given["login"])))
    if "email" in taken:
        return ProblemError(Problem("conflict", 409, _taken("Email", given["email"])))
    return None


def _taken(what: str, value: str) -> str:
    return f"{what} {value} already exists"
