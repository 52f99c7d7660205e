"""The image service's views."""

from collections.abc import Iterator
from typing import IO

from django.http import HttpResponseBase, QueryDict, StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from api.base64_pictures import (
    base64_length,
    decode_to_file,
    encode_base64,
    max_base64_body_size,
)
from api.image_service import serializers as s
from api.image_service.image_ids import WIDTHS, ImageId, parse_image_id
from api.openapi.files import ANY_BYTES, BYTES, BYTES_HEADERS, NOT_MODIFIED, PICTURE_LIMITS
from api.openapi.operations import describe
from api.openapi.refusals import NO_PICTURE, NOT_A_PICTURE, PICTURE_NOT_READY, QUOTA
from api.parsers import PictureFormParser, PictureJsonParser
from api.views import ContractView, caller
from delivery.access import file_for, in_format_of, name_for
from delivery.jpeg_renditions import jpeg_key
from delivery.responses import serve
from delivery.stored_renditions import JPEG
from images.models import Picture
from images.services import create_picture
from images.storage.base import picture_storage

_REVALIDATE = "private, no-cache"
_SIZE = [
    OpenApiParameter(
        "Size",
        int,
        location,
        enum=WIDTHS,
        description="Fit to this width in pixels, as JPEG, never enlarged. Any other number means "
        "the original.",
    )
    for location in (OpenApiParameter.HEADER, OpenApiParameter.QUERY)
]
_IDS = {"name": "The picture's UUID, or `<uuid>_<width>` as a response gave it."}


class CreateImageView(ContractView):
    """`/image`."""

    parser_classes = [PictureJsonParser, PictureFormParser]
    picture_field = "image"
    takes_uploads = True

    def max_body_size(self, request: Request) -> int:
        """Return the size of the tier's largest picture in base64."""
        return max_base64_body_size(caller(request))

    @describe(
        "image_create",
        summary="Store a picture",
        description=f"Store a picture that any member who knows its id may see. {PICTURE_LIMITS}",
        request={"application/json": s.ImageServiceCreate},
        responses={200: s.ImageServiceId},
        refuses=[NOT_A_PICTURE, QUOTA],
    )
    def post(self, request: Request) -> Response:
        """Store a picture that any member who knows its id may see."""
        form = s.ImageServiceCreate(data=request.data)
        form.is_valid(raise_exception=True)
        owner = caller(request)
        is_form = isinstance(request.data, QueryDict)
        text = form.validated_data["image"]
        with decode_to_file(text, owner, plus_signs_are_blanks=is_form) as upload:
            picture = create_picture(
                owner=owner,
                upload=upload,
                visibility=Picture.Visibility.MEMBERS,
                retry=self.read_retry(request),
            )
        return Response({"id": str(picture.uid)})


class ReadImageView(ContractView):
    """`/image/:id`."""

    @describe(
        "image_retrieve",
        summary="Read a picture as a data URI",
        parameters=_SIZE,
        responses={200: s.ImageServiceImage},
        refuses=[NO_PICTURE, PICTURE_NOT_READY],
        fields=_IDS,
    )
    def get(self, request: Request, name: str) -> HttpResponseBase:
        """Return the picture as it was uploaded, or fit to a width."""
        image_id = parse_image_id(name, request._request)
        picture = Picture.objects.by_uid(image_id.uid)
        if image_id.width:
            key = jpeg_key(caller(request), picture, image_id.width)
            return _data_uri_response(request, image_id, key, JPEG)
        rendition = file_for(caller(request), picture)
        return _data_uri_response(request, image_id, rendition.key, rendition.content_type)


class ReadJpegView(ContractView):
    """`/image/:id/jpeg`."""

    @describe(
        "image_retrieve_jpeg",
        summary="Read a picture as JPEG",
        parameters=_SIZE,
        responses={(200, JPEG): BYTES, (200, ANY_BYTES): BYTES, 304: NOT_MODIFIED},
        refuses=[NO_PICTURE, PICTURE_NOT_READY],
        headers=BYTES_HEADERS,
        fields=_IDS,
    )
    def get(self, request: Request, name: str) -> HttpResponseBase:
        """Return a real JPEG, whatever was uploaded."""
        image_id = parse_image_id(name, request._request)
        picture = Picture.objects.by_uid(image_id.uid)
        key = jpeg_key(caller(request), picture, image_id.width)
        shown = in_format_of(name_for(caller(request), picture), key)
        return serve(request._request, key, JPEG, cache_control=_REVALIDATE, name=shown)


def _data_uri_response(
    request: Request, image_id: ImageId, key: str, content_type: str
) -> StreamingHttpResponse:
    """Stream `ImageServiceImage` as JSON, so that no picture stands in memory as text."""
    file = picture_storage.open(key)
    size = file.seek(0, 2)
    file.seek(0)
    head = f'{{"id":"{image_id}","image":"data:{content_type};base64,'.encode()
    content = _stream_json(head, file)
    if request.method == "HEAD":  # nobody would read the file to its end, which closes it
        file.close()
        content = iter(())
    response = StreamingHttpResponse(content, content_type="application/json")
    response["Content-Length"] = str(len(head) + base64_length(size) + 2)
    return response


def _stream_json(head: bytes, file: IO[bytes]) -> Iterator[bytes]:
    yield head
    yield from encode_base64(file)
    yield b'"}'
