"""Requests generated from the OpenAPI document: the contracts do what it says."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck
from hypothesis import settings as generating
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings
from schemathesis import Case
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    positive_data_acceptance,
    response_schema_conformance,
    status_code_conformance,
)

from accounts.models import Session, User
from accounts.request_origin import RequestOrigin
from accounts.sessions import open_api_token_session, open_bearer_session
from config.wsgi import application
from images.links import LinkToken, write_token
from images.models import Link
from lib import connections
from tests.factories import make_picture
from tests.pictures import jpeg
from tests.transactions import undone

# Hundreds of requests take minutes where the cores are busy.
pytestmark = [pytest.mark.django_db, pytest.mark.nightly, pytest.mark.timeout(300)]

# A file that is no picture, a cursor made up and a login with odd letters fit the document, and are
# refused all the same. In a form or a query a list of one looks like the one: it is taken.
EITHER_WAY: list[CheckFunction] = [positive_data_acceptance, negative_data_rejection]
CONFORMANCE: list[CheckFunction] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
# The examples are the same in every run: what is found today is found tomorrow. Fifteen more
# reached no line or branch of ours that these do not.
bounded = generating(
    max_examples=10,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def closed_at_once(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Read and close the response as a server does: temporary files of uploads go with it."""
    response: Any = application(environ, start_response)
    try:
        return [b"".join(response)]
    finally:
        if hasattr(response, "close"):  # PEP 3333: if it has one
            response.close()


document = schemathesis.openapi.from_wsgi("/api/schema/?format=json", closed_at_once)
# The document names three ways to carry a token; one of them is sent, so the others may be absent.
document.config.generation.with_security_parameters = False


@pytest.fixture
def headers(
    alice: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, str]]:
    """Alice's token; no throttle, since hundreds of requests come from one address."""
    settings.RATE_LIMITS = False
    monkeypatch.setattr(connections, "close_old_connections", lambda: None)
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield {"Authorization": f"Token {open_api_token_session(alice, RequestOrigin())}"}
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@document.parametrize()
@bounded
def test_the_contracts_do_what_the_document_says(case: Case[Any], headers: dict[str, str]) -> None:
    # No worker runs beside these tests: a 503 that the document has.
    unready = [not_a_server_error] if case.path == "/readyz" else []
    case.call_and_validate(headers=headers, excluded_checks=[*EITHER_WAY, *unready])


@pytest.fixture
def known(
    alice: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> dict[str, int | str]:
    """What stands in an address in braces, of a picture of Alice's."""
    with django_capture_on_commit_callbacks(execute=True):
        picture = make_picture(alice, jpeg(300, 250))
    link = Link.objects.create(
        picture=picture, maker=alice, expires_at=datetime(2999, 1, 1, tzinfo=UTC)
    )
    open_bearer_session(alice, RequestOrigin())
    session = Session.objects.of(alice).get(scheme=Session.Scheme.BEARER)
    return {
        "session_id": str(session.pk),
        "id": picture.pk,
        "thumbnail": picture.thumbnails.earliest("height").pk,
        "link": link.pk,
        "user_id": str(alice.pk),
        "file_name": picture.file_name,
        "uid": str(picture.uid),
        "name": str(picture.uid),
        "token": write_token(LinkToken(link.pk)),
    }


@document.include(path_regex="{").parametrize()
@bounded
def test_the_contracts_do_so_with_ids_that_exist(
    case: Case[Any], headers: dict[str, str], known: dict[str, int | str]
) -> None:
    for name in case.path_parameters:
        kind = next((each for each in ("thumbnail", "links") if each in case.path), "")
        case.path_parameters[name] = known[kind.rstrip("s") if name == "id" and kind else name]
    with undone():
        case.call_and_validate(headers=headers, checks=CONFORMANCE)
