"""The image RESTful API's views of expiring links."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from django.http import HttpResponse
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from api.openapi.files import QR_CODE
from api.openapi.operations import describe
from api.openapi.pages import BAD_CURSOR, BAD_LIMIT, page_parameters
from api.openapi.refusals import (
    LINK_REVOKED,
    LINK_TIME,
    NO_LINKS,
    NO_PICTURE,
    NOT_FOUND,
    invalid_input,
)
from api.pagination import page_response, read_page
from api.restful_api import link_serializers as s
from api.restful_api.views import DONE, find_picture
from api.views import ContractView, base_url, caller, read_body, read_query
from images.exceptions import LinkDurationOutOfBounds
from images.links import change_link, make_link, require_link_grant, revoke_links_of
from images.models import Link
from images.permissions import PicturePermission
from lib.qr_code import draw_qr_code

_PICTURE = {"id": "The picture's number."}
_LINK = {"id": "The link's number."}


class PictureLinkView(ContractView):
    """`link/{id}/`; no HEAD, which would make a link."""

    http_method_names = ["get"]

    @describe(
        "images_make_link",
        summary="Make an expiring link",
        parameters=[s.RestfulLinkQuery],
        responses={200: s.RestfulLink},
        refuses=[invalid_input(s.RestfulLinkQuery, {}), LINK_TIME, NO_LINKS, NO_PICTURE],
        fields=_PICTURE,
    )
    def get(self, request: Request, pk: int) -> Response:
        """Return a link that opens in a bare browser until its time is over."""
        require_link_grant(maker := caller(request))
        picture = find_picture(request, pk, PicturePermission.LINK)
        seconds = read_query(request, s.RestfulLinkQuery)["time"]
        link, _ = make_link(maker=maker, picture=picture, seconds=seconds)
        url = s.link_url(link.pk, base=base_url(request))
        return Response({"url": url, "expires_in": seconds})


class LinkListView(ContractView):
    """`links/`."""

    @describe(
        "links_list",
        summary="List the links to your pictures",
        description="Return a page of all links to the caller's pictures, also those that staff "
        "made, newest first. Links are forgotten 30 days after they have expired.",
        parameters=[s.RestfulLinksQuery, *page_parameters()],
        responses={200: s.RestfulLinkDetails(many=True)},
        refuses=[invalid_input(s.RestfulLinksQuery, {"live": "x"}), BAD_LIMIT, BAD_CURSOR],
        headers=["Link"],
    )
    def get(self, request: Request) -> Response:
        """Return a page of the links to the caller's pictures, newest first."""
        query = read_query(request, s.RestfulLinksQuery)
        links = Link.objects.filter(owner=caller(request)).with_liveness()
        if "image_id" in query:
            links = links.filter(picture=query["image_id"])
        if "live" in query:
            links = links.filter(opens_now=query["live"])
        rows, next_url = read_page(request, links, s.LINK_FIELDS)
        serialize = partial(s.serialize_link_row, base=base_url(request))
        return page_response([serialize(row) for row in rows], next_url)

    @describe(
        "links_create",
        summary="Make a link with a password, for a number of openings, or with a note",
        description="Make an expiring link. One with `max_opens` or a password opens by a page: "
        "pressing its button is one opening, with which that browser has the bytes for a minute. "
        "What merely looks at the page (previews, HEAD, ranges) opens nothing.",
        request={"application/json": s.RestfulLinkRequest},
        responses={201: s.RestfulLinkDetails},
        refuses=[LINK_TIME, NO_LINKS, NO_PICTURE],
    )
    def post(self, request: Request) -> Response:
        """Make an expiring link."""
        require_link_grant(maker := caller(request))
        given = read_body(request, s.RestfulLinkRequest)
        picture = find_picture(request, given["image_id"], PicturePermission.LINK)
        with _refusing_times():
            link, _ = make_link(
                maker=maker,
                picture=picture,
                seconds=given["expires_in"],
                max_opens=given.get("max_opens"),
                password=given.get("password") or "",
                note=given.get("note", ""),
                cache_seconds=given.get("cache_seconds", 0),
            )
        return _link_response(request, link.pk, status=201)

    @describe(
        "links_revoke_all",
        summary="Revoke all links",
        description="Revoke every link to the caller's pictures, whoever made it; all are over "
        "within a second.",
        request=None,
        responses={200: s.RestfulRevokedLinks},
    )
    def delete(self, request: Request) -> Response:
        """Revoke every link to the caller's pictures."""
        return Response({"revoked": revoke_links_of(caller(request))})


class LinkDetailView(ContractView):
    """`links/{id}/`."""

    @describe(
        "links_retrieve",
        summary="Read a link",
        responses={200: s.RestfulLinkDetails},
        refuses=[NOT_FOUND],
        fields=_LINK,
    )
    def get(self, request: Request, pk: int) -> Response:
        """Return one link."""
        return _link_response(request, pk)

    @describe(
        "links_update",
        summary="Give a link more time or less, or another note",
        request={"application/json": s.RestfulLinkChange},
        responses={200: s.RestfulLinkDetails},
        refuses=[
            invalid_input(s.RestfulLinkChange, {"expires_in": "soon"}),
            LINK_TIME,
            NO_LINKS,
            NOT_FOUND,
            LINK_REVOKED,
        ],
        fields=_LINK,
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Change what is given; the address stays."""
        changer = caller(request)
        link = Link.objects.in_reach_of(changer).select_related("picture").get(pk=pk)
        given = read_body(request, s.RestfulLinkChange)
        with _refusing_times():
            change_link(
                link, changer=changer, seconds=given.get("expires_in"), note=given.get("note")
            )
        return _link_response(request, pk)

    @describe(
        "links_revoke",
        summary="Revoke a link",
        responses={204: DONE},
        refuses=[NOT_FOUND],
        fields=_LINK,
    )
    def delete(self, request: Request, pk: int) -> Response:
        """Revoke a link at once; 204 also where it was over before."""
        link = Link.objects.in_reach_of(caller(request)).get(pk=pk)
        Link.objects.filter(pk=link.pk).revoke()
        return Response(status=204)


class LinkQrCodeView(ContractView):
    """`links/{id}/qr/`."""

    @describe(
        "links_qr_code",
        summary="Draw the QR code of a link",
        description="Return a link's address as a QR code, for a phone's camera: dark on white, "
        "with its margin. Nobody may keep it, since it holds what opens the link.",
        responses=QR_CODE,
        refuses=[NOT_FOUND],
        fields=_LINK,
        headers=["Cache-Control"],
    )
    def get(self, request: Request, pk: int) -> HttpResponse:
        """Draw the QR code of a link."""
        link = Link.objects.in_reach_of(caller(request)).only("pk").get(pk=pk)
        code = draw_qr_code(s.link_url(link.pk, base=base_url(request)))
        return HttpResponse(
            code, content_type="image/svg+xml", headers={"Cache-Control": "private, no-store"}
        )


@contextmanager
def _refusing_times() -> Iterator[None]:
    """Say of a time outside the tier's bounds which field of the body it is."""
    try:
        yield
    except LinkDurationOutOfBounds as error:
        raise ValidationError({"expires_in": [str(error)]}) from error


def _link_response(request: Request, pk: int, *, status: int = 200) -> Response:
    reached = Link.objects.in_reach_of(caller(request)).with_liveness()
    row = reached.values(*s.LINK_FIELDS).get(pk=pk)
    return Response(s.serialize_link_row(row, base=base_url(request)), status=status)
