"""The feed of picture events over HTTP, for clients that poll."""

from rest_framework.request import Request
from rest_framework.response import Response

from api.openapi.operations import describe
from api.openapi.refusals import FORBIDDEN, NO_ACCOUNT, invalid_input
from api.pagination import page_response, replace_in_query
from api.restful_api import serializers as s
from api.views import ContractView, caller, read_query
from notifications.feed import position_before_oldest, read_events
from notifications.sockets.authentication import account_to_show

# Bears the id of the newest event, also where a page ends before it or holds none.
_NEWEST_EVENT_HEADER = "Last-Event-ID"


class EventsView(ContractView):
    """`events/`."""

    @describe(
        "events_list",
        summary="Read picture events",
        description="Return what followed event `since`, oldest first, each as `/ws/pictures/` "
        "tells it: `/api/schema/asyncapi.yaml` describes the socket.",
        parameters=[s.RestfulEventsQuery],
        responses={200: s.RestfulEvent(many=True)},
        refuses=[invalid_input(s.RestfulEventsQuery, {"since": "x"}), FORBIDDEN, NO_ACCOUNT],
        headers=["Link", _NEWEST_EVENT_HEADER],
    )
    def get(self, request: Request) -> Response:
        """Return what followed event `since`, oldest first."""
        query = read_query(request, s.RestfulEventsQuery)
        owner_id = account_to_show(caller(request), query.get("user"))
        since: int = query["since"] if "since" in query else position_before_oldest(owner_id)
        page = read_events(owner_id, since, query["limit"])
        next_url = ""
        if page.has_more:
            next_url = replace_in_query(request, since=str(page.events[-1]["id"]))
        newest = {_NEWEST_EVENT_HEADER: str(page.last)}
        return page_response(page.events, next_url, headers=newest)
