"""`sessions/`, `tokens/`, `account/log/`: who is signed in to an account, and what was done."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.cookies import clear_token_cookies
from accounts.exceptions import MissingScope, TooManyTokens
from accounts.models import Session
from accounts.request_authentication import read_origin
from accounts.scopes import Scope
from accounts.security_log import events_of
from accounts.services import end_other_sessions, sign_out
from accounts.sessions import MAX_NAMED_TOKENS, make_named_token
from api.openapi.operations import describe
from api.openapi.pages import BAD_CURSOR, BAD_LIMIT, page_parameters
from api.openapi.refusals import NOT_FOUND, Refusal
from api.pagination import (
    page_response,
    read_cursor,
    read_limit,
    read_page,
    replace_in_query,
)
from api.restful_api import session_serializers as s
from api.restful_api.views import DONE
from api.views import ContractView, authentication_of, caller, current_session, read_body
from lib.keyset import Cursor

_TOO_MANY_TOKENS = Refusal(
    "too_many_tokens",
    f"The account has {MAX_NAMED_TOKENS} named tokens.",
    lambda: TooManyTokens(MAX_NAMED_TOKENS),
)
_LACKING = Refusal(
    "lacking_scope",
    "The token of this request lacks a scope that the new one is to have.",
    lambda: MissingScope([Scope.UPLOAD.value]),
)


class SessionListView(ContractView):
    """`sessions/`."""

    @describe(
        "sessions_list",
        summary="List your sessions and tokens",
        description="Return a page of what is signed in to the account, newest first: sign-ins of "
        "every kind, and tokens.",
        parameters=page_parameters(of_uuids=True),
        responses={200: s.RestfulSession(many=True)},
        refuses=[BAD_LIMIT, BAD_CURSOR],
        headers=["Link"],
    )
    def get(self, request: Request) -> Response:
        """Return a page of the caller's live sessions, newest first."""
        current = current_session(request)
        live = Session.objects.of(caller(request)).live()
        rows, next_url = read_page(request, live, s.SESSION_FIELDS)
        return page_response([s.serialize_session_row(row, current) for row in rows], next_url)

    @describe(
        "sessions_end_others",
        summary="Sign out everywhere else",
        description="End every session of the account but this one, tokens too.",
        responses={200: s.RestfulEnded},
    )
    def delete(self, request: Request) -> Response:
        """End every session but the current one."""
        return Response({"ended": end_other_sessions(current_session(request))})


class SessionDetailView(ContractView):
    """`sessions/{id}/`."""

    @describe(
        "sessions_end",
        summary="End a session or token",
        description="End one; the current one too. Repeats do no harm.",
        responses={204: DONE},
        refuses=[NOT_FOUND],
        fields={"session_id": "The session's UUID."},
    )
    def delete(self, request: Request, session_id: UUID) -> Response:
        """End one session of the caller's; other services hear of it."""
        authentication = authentication_of(request)
        session = Session.objects.of(caller(request)).get(pk=session_id)
        response = Response(status=204)
        if session.pk == authentication.session.pk:
            sign_out(session, authorization=authentication.authorization)
            clear_token_cookies(response)
        else:
            sign_out(session)
        return response


class TokenListView(ContractView):
    """`tokens/`."""

    @describe(
        "tokens_create",
        summary="Make a token for one purpose",
        description="Make an API token with a name, and with some of the scopes that the token of "
        f"this request has. It is shown this once. An account has at most {MAX_NAMED_TOKENS}.",
        request={"application/json": s.RestfulTokenRequest},
        responses={201: s.RestfulNamedToken},
        refuses=[_TOO_MANY_TOKENS, _LACKING],
    )
    def post(self, request: Request) -> Response:
        """Make an API token with a name and scopes."""
        given, current = read_body(request, s.RestfulTokenRequest), current_session(request)
        lifetime = settings.API_TOKEN_LIFETIME
        if "expires_in" in given:
            lifetime = timedelta(seconds=given["expires_in"])
        made, token = make_named_token(
            current,
            name=given["name"],
            scopes=[Scope(each) for each in given["scopes"]],
            lifetime=lifetime,
            origin=read_origin(request._request),
        )
        return Response(s.serialize_named_token(made, token, current), status=201)


class AccountLogView(ContractView):
    """`account/log/`."""

    @describe(
        "account_log",
        summary="Read what was done to your account",
        description="Return a page of the account's security log, newest first: sign-ins and "
        "refused ones, tokens, sessions, passwords, links, and what staff did. It is kept for 90 "
        "days.",
        parameters=page_parameters(),
        responses={200: s.RestfulSecurityEvent(many=True)},
        refuses=[BAD_LIMIT, BAD_CURSOR],
        headers=["Link"],
    )
    def get(self, request: Request) -> Response:
        """Return a page of the caller's security log, newest first."""
        owner = caller(request)
        size = read_limit(request.GET.get("limit"))
        cursor = read_cursor(request.GET.get("cursor"))
        before = int(cursor.id) if cursor else None
        # One event more than the page shows tells that there is a next page.
        found = list(events_of(owner.pk, before=before)[: size + 1])
        events, next_url = found[:size], ""
        if len(found) > len(events):
            last = Cursor(events[-1].at, events[-1].pk)
            next_url = replace_in_query(request, cursor=last.encode())
        body = [s.serialize_security_event(each, owner.pk) for each in events]
        return page_response(body, next_url)
