"""The feed of picture events over HTTP, for clients that ask instead of listening."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.restful_api import serializers as s
from api.restful_api.views import BAD_INPUT, CLOSED, RestfulView
from api.views import caller
from notifications.feed import Page, oldest, read
from notifications.sockets.authentication import watched_account

# The newest event there is, also where a page ends before it or holds none.
NEWEST = "Last-Event-ID"


class EventsView(RestfulView):
    """`events/`."""

    @extend_schema(
        summary="Read picture events",
        description="Each as `/ws/pictures/` tells it; see docs/asyncapi.yaml.",
        parameters=[s.RestfulEventsQuery],
        responses={
            200: s.RestfulEvent(many=True), 400: BAD_INPUT, 403: s.RestfulDetail,
            404: s.RestfulDetail, **CLOSED,
        },
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """Return what followed event `since`, oldest first."""
        form = s.RestfulEventsQuery(data=request.query_params.dict())
        form.is_valid(raise_exception=True)
        query = form.validated_data
        owner_id = watched_account(caller(request), query.get("user"))
        since: int = query["since"] if "since" in query else oldest(owner_id)
        page = read(owner_id, since, query["limit"])
        return Response(page.events, headers=_headers(request, page))


def _headers(request: Request, page: Page) -> dict[str, str]:
    headers = {NEWEST: str(page.last)}
    if page.has_more:
        query = request._request.GET.copy()
        query["since"] = str(page.events[-1]["id"])
        address = request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
        headers["Link"] = f'<{address}>; rel="next"'
    return headers
