"""Pictures in numbers, and the active one: what the image RESTful API has beyond its original."""

from django.http import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from api.openapi.files import ARCHIVE
from api.openapi.operations import describe
from api.openapi.refusals import ARCHIVE_BUSY, NO_PICTURE, invalid_input
from api.restful_api import picture_serializers as p
from api.restful_api.views import DONE, find_picture
from api.views import ContractView, caller, read_body, read_query
from delivery.archives import archive_response
from delivery.picture_archives import find_picture_rows, own_picture_rows, picture_members
from images.models import Picture
from images.permissions import PicturePermission
from images.services import activate, change_pictures
from thumbnails.deletion import delete_pictures

_ARCHIVE_NAME = "pictures.zip"


class DeletePicturesView(ContractView):
    """`images/delete/`."""

    @describe(
        "images_delete_many",
        summary="Delete pictures",
        description=f"Delete at most {p.MAX_IDS:,} pictures, each with its thumbnails, links and "
        "files or not at all. `files` and `bytes` are what leaves the storage. Repeating it is "
        "harmless.",
        request={"application/json": p.RestfulIds},
        responses={200: p.RestfulDeletionReceipt},
    )
    def post(self, request: Request) -> Response:
        """Delete pictures, each whole or not at all, and say what went."""
        ids: list[int] = read_body(request, p.RestfulIds)["ids"]
        reached = Picture.objects.in_reach_of(caller(request), PicturePermission.DELETE)
        receipt = delete_pictures(reached, ids)
        deleted = set(receipt.deleted)
        return Response(
            {
                "deleted": [each for each in ids if each in deleted],
                "not_found": [each for each in ids if each not in deleted],
                "bytes": receipt.bytes,
                "files": receipt.files,
                "links": receipt.links,
            }
        )


class ChangePicturesView(ContractView):
    """`images/change/`."""

    @describe(
        "images_change_many",
        summary="Change who may see pictures",
        description=f"Change at most {p.MAX_IDS:,} pictures at once. Repeating it is harmless.",
        request={"application/json": p.RestfulChanges},
        responses={200: p.RestfulChanged},
    )
    def post(self, request: Request) -> Response:
        """Change pictures, and say which."""
        given = read_body(request, p.RestfulChanges)
        reached = Picture.objects.in_reach_of(caller(request), PicturePermission.CHANGE)
        found = change_pictures(reached, given["ids"], visibility=given.get("visibility"))
        return Response(
            {
                "changed": [each for each in given["ids"] if each in found],
                "not_found": [each for each in given["ids"] if each not in found],
            }
        )


class ArchiveView(ContractView):
    """`images/archive/`."""

    @describe(
        "images_archive",
        summary="Download pictures as a ZIP archive",
        description="Send the originals as they were uploaded, under their own names, made unique "
        "(or the best thumbnails, where the tier grants no originals). The archive is made while "
        "it is sent, one at a time for an account.",
        parameters=[p.RestfulArchiveQuery],
        responses=ARCHIVE,
        refuses=[
            invalid_input(p.RestfulArchiveQuery, {"ids": "x"}), NO_PICTURE, ARCHIVE_BUSY
        ],
        headers=["Content-Disposition"],
    )  # fmt: skip
    def get(self, request: Request) -> HttpResponseBase:
        """Send pictures as a ZIP archive that is made while it is sent."""
        viewer, ids = caller(request), read_query(request, p.RestfulArchiveQuery).get("ids")
        if ids is None:
            rows = own_picture_rows(viewer)
        else:
            reached = Picture.objects.in_reach_of(viewer, PicturePermission.CHANGE)
            rows = iter(find_picture_rows(reached, ids))
        return archive_response(
            request.method, viewer.pk, _ARCHIVE_NAME, lambda: picture_members(viewer, rows)
        )


class ActivePictureView(ContractView):
    """`images/{id}/active/`."""

    @describe(
        "images_activate",
        summary="Make a picture the active one",
        description="The active picture stands for its account at `/avatars/<account>`.",
        request=None,
        responses={204: DONE},
        refuses=[NO_PICTURE],
        fields={"id": "The picture's number."},
    )
    def put(self, request: Request, pk: int) -> Response:
        """Make a picture its account's only active one."""
        activate(find_picture(request, pk, PicturePermission.CHANGE))
        return Response(status=204)
