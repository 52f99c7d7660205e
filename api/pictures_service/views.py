"""The pictures service's views."""

from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import TemporaryUploadedFile
from drf_spectacular.utils import OpenApiExample, OpenApiResponse
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.request_authentication import read_origin
from accounts.throttling import DEFAULT_PICTURES_PER_ADDRESS, enforce_limits, throttling_key
from api.multipart_parser import MultiPartParser, sent_name
from api.openapi.files import PICTURE_LIMITS
from api.openapi.operations import describe
from api.openapi.pages import BAD_CURSOR, BAD_LIMIT, page_parameters
from api.openapi.refusals import (
    FORBIDDEN,
    NO_ACCOUNT,
    NO_ACTIVE_PICTURE,
    NO_PICTURE,
    NOT_A_PICTURE,
    PICTURE_IS_ACTIVE,
    QUOTA,
    THROTTLED,
)
from api.own_lists import own_pictures
from api.pagination import MAX_PAGE_SIZE, Rows, page_response, read_page
from api.parsers import FormParser, JsonParser, NoFileParser
from api.pictures_service import serializers as s
from api.pictures_service.socketio.binding import bind_named_socket
from api.views import MAX_TEXT_BODY_SIZE, ContractView, PublicView, base_url, caller, may_read
from images.access import active_picture, may_act_for
from images.default_picture import copy_default
from images.models import Picture
from images.permissions import PicturePermission
from images.services import activate, create_picture, delete_unless_active
from images.signed_urls import UrlSigner
from thumbnails.deletion import delete_all

_SOCKET_PARSERS = [JsonParser, FormParser, MultiPartParser]
_HAS_ONE = "El usuario ya tiene una imagen"
_FIELDS = {
    "user_id": "The account's UUID.",
    "id": "The picture's number.",
    "file_name": "The picture's `path`.",
}


class CreatePictureView(ContractView):
    """`create-picture`."""

    parser_classes = [MultiPartParser, NoFileParser]
    file_field = "file"
    # After a lost connection a client has another socket.
    passing_fields = frozenset({"socketId"})
    takes_uploads = True

    def max_body_size(self, request: Request) -> int:
        """Return the tier's upload limit and room for the form around the file."""
        return caller(request).tier.max_upload_bytes + MAX_TEXT_BODY_SIZE

    @describe(
        "pictures_create",
        summary="Subir una imagen",
        description=f"Store a picture; it is not active until it is made so. {PICTURE_LIMITS}",
        request={"multipart/form-data": s.PicturesUpload},
        responses={201: s.PicturesDone},
        refuses=[NOT_A_PICTURE, QUOTA, FORBIDDEN, NO_ACCOUNT],
    )
    def post(self, request: Request) -> Response:
        """Store a picture; it is not active until it is made so."""
        form = s.PicturesUpload(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        upload: TemporaryUploadedFile = given["file"]
        owner = _find_owner(request, given.get("userId"))
        path = Path(upload.temporary_file_path())
        picture = create_picture(
            owner=owner,
            upload=path,
            visibility=settings.PICTURES_VISIBILITY,
            retry=self.read_retry(request),
            name=sent_name(upload),
        )
        bind_named_socket(request)
        return _done_response(request, "Imagen creada correctamente", picture, status=201)


class CreateDefaultPictureView(PublicView):
    """`create-default-picture/{userId}`."""

    parser_classes = [JsonParser, FormParser, MultiPartParser]

    @describe(
        "pictures_create_default",
        summary="Copiar la imagen por defecto",
        description="Give an account without pictures the default one; else nothing changes. At "
        f"most {DEFAULT_PICTURES_PER_ADDRESS.amount} a minute from one address.",
        request={"application/json": s.PicturesDefault},
        responses={
            200: OpenApiResponse(
                s.PicturesMessage,
                description="The account has a picture: nothing changed.",
                examples=[OpenApiExample("example", {"message": _HAS_ONE})],
            ),
            201: s.PicturesDone,
        },
        refuses=[NO_ACCOUNT, THROTTLED],
        fields=_FIELDS,
    )
    def post(self, request: Request, user_id: UUID) -> Response:
        """Give an account without pictures the default one; else nothing changes."""
        origin = read_origin(request._request)
        enforce_limits((DEFAULT_PICTURES_PER_ADDRESS, throttling_key(origin)))
        form = s.PicturesDefault(data=request.data)
        form.is_valid(raise_exception=True)
        owner = User.objects.get(pk=user_id, is_active=True)
        name = form.validated_data.get("customName", "")
        picture = copy_default(
            owner=owner, visibility=settings.PICTURES_VISIBILITY, preferred_name=name
        )
        bind_named_socket(request)
        if picture is None:
            return Response({"message": _HAS_ONE})
        message = "Imagen por defecto creada correctamente"
        return _done_response(request, message, picture, status=201)


class UserPicturesView(ContractView):
    """`get-user-pictures/{userId}`."""

    @describe(
        "pictures_list",
        summary="Obtener las imágenes de un usuario",
        parameters=page_parameters(MAX_PAGE_SIZE),
        responses={200: s.PicturesPicture(many=True)},
        refuses=[BAD_LIMIT, BAD_CURSOR, NO_ACCOUNT],
        headers=["Link"],
        fields=_FIELDS,
    )
    def get(self, request: Request, user_id: UUID) -> Response:
        """Return what the caller may see of an account's pictures, newest first."""
        viewer = caller(request)
        is_own = user_id == viewer.pk
        visible: Rows = (
            own_pictures.of(user_id) if is_own else Picture.objects.of_account(user_id, viewer)
        )
        rows, next_url = read_page(request, visible, s.PICTURE_FIELDS, default_size=MAX_PAGE_SIZE)
        if not is_own:
            # An account that does not exist is a 404, one without visible pictures is not.
            User.objects.only("pk").get(pk=user_id)
        signer = UrlSigner(base_url(request))
        pictures = s.serialize_picture_rows(rows, viewer=viewer, signer=signer)
        return page_response(pictures, next_url)


class ActivePictureView(ContractView):
    """`get-active-picture/{userId}`."""

    @describe(
        "pictures_active",
        summary="Obtener la imagen activa de un usuario",
        responses={200: s.PicturesPicture},
        refuses=[NO_ACTIVE_PICTURE],
        fields=_FIELDS,
    )
    def get(self, request: Request, user_id: UUID) -> Response:
        """Return the active picture where the caller may see it."""
        picture = active_picture(caller(request), user_id)
        return Response(_serialize(request, picture))


class SetActivePictureView(ContractView):
    """`set-active-picture/{pictureId}/{userId}`."""

    parser_classes = _SOCKET_PARSERS

    @describe(
        "pictures_set_active",
        summary="Establecer la imagen activa",
        request={"application/json": s.PicturesSocket},
        responses={200: s.PicturesDone},
        refuses=[NO_PICTURE],
        fields=_FIELDS,
    )
    def put(self, request: Request, pk: int, user_id: UUID) -> Response:
        """Make a picture its account's only active one."""
        picture = _find_picture(request, pk, user_id, PicturePermission.CHANGE)
        activate(picture)
        bind_named_socket(request)
        response = _done_response(request, "Imagen activa establecida correctamente", picture)
        if not may_read(request):
            response.data["picture"]["url"] = None
        return response


class DeletePictureView(ContractView):
    """`delete-picture/{id}/{fileName}/{userId}`."""

    parser_classes = _SOCKET_PARSERS

    @describe(
        "pictures_delete",
        summary="Eliminar una imagen",
        responses={200: s.PicturesMessage},
        refuses=[NO_PICTURE, PICTURE_IS_ACTIVE],
        fields=_FIELDS,
    )
    def delete(self, request: Request, pk: int, file_name: str, user_id: UUID) -> Response:
        """Remove a picture that is not active; its file must be called so."""
        picture = _find_picture(request, pk, user_id, PicturePermission.DELETE)
        if picture.file_name != file_name:
            raise Picture.DoesNotExist
        delete_unless_active(picture)
        bind_named_socket(request)
        return Response({"message": "Imagen eliminada correctamente"})


class DeleteUserView(ContractView):
    """`delete-user/{userId}`."""

    parser_classes = _SOCKET_PARSERS

    @describe(
        "pictures_delete_user",
        summary="Eliminar todas las imágenes de un usuario",
        responses={200: s.PicturesMessage},
        refuses=[FORBIDDEN],
        fields=_FIELDS,
    )
    def delete(self, request: Request, user_id: UUID) -> Response:
        """Remove every picture and the folder of an account, not the account."""
        if not may_act_for(caller(request), user_id, PicturePermission.DELETE):
            raise PermissionDenied
        delete_all(user_id)
        bind_named_socket(request)
        return Response({"message": f"Carpeta del usuario {user_id} eliminada correctamente."})


def _find_owner(request: Request, user_id: UUID | None) -> User:
    """Return the account that an upload is for: the caller, or as staff any."""
    signed_in = caller(request)
    if user_id is None or user_id == signed_in.pk:
        return signed_in
    if not may_act_for(signed_in, user_id, PicturePermission.UPLOAD):
        raise PermissionDenied
    return User.objects.select_related("tier").get(pk=user_id)


def _find_picture(
    request: Request, pk: int, user_id: UUID, permission: PicturePermission
) -> Picture:
    """Return a picture of the account that the caller reaches; another's is simply not found."""
    reached = Picture.objects.in_reach_of(caller(request), permission)
    picture: Picture = reached.owned_by(user_id).get(pk=pk)
    return picture


def _done_response(
    request: Request, message: str, picture: Picture, *, status: int = 200
) -> Response:
    body = {"message": message, "picture": _serialize(request, picture)}
    return Response(body, status=status)


def _serialize(request: Request, picture: Picture) -> dict[str, Any]:
    viewer = request.user if isinstance(request.user, User) else None
    return s.serialize_picture(picture, viewer=viewer, base=base_url(request))
