"""What a recipient of a picture gets, told to its owner before a link is given away."""

from rest_framework.request import Request
from rest_framework.response import Response

from api.openapi.operations import describe
from api.openapi.refusals import NO_PICTURE, PICTURE_NOT_READY
from api.restful_api.reveal_serializers import RestfulReveal, serialize_reveal
from api.restful_api.views import find_picture
from api.views import ContractView
from delivery.reveals import reveal
from images.permissions import PicturePermission


class RevealsView(ContractView):
    """`images/{id}/reveals/`."""

    @describe(
        "images_reveal",
        summary="See what a recipient gets",
        description="Return what leaves by a link, and what the original has beside it: `dropped` "
        "names the metadata that stay behind. Where the tier grants no originals, the best "
        "thumbnail leaves (as WebP to whoever asks for that by `Accept`).",
        responses={200: RestfulReveal},
        refuses=[NO_PICTURE, PICTURE_NOT_READY],
        fields={"id": "The picture's number."},
    )
    def get(self, request: Request, pk: int) -> Response:
        """Return what leaves by a link, and what the original has beside it."""
        picture = find_picture(request, pk, PicturePermission.VIEW)
        return Response(serialize_reveal(reveal(picture)))
