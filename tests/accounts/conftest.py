from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from pytest_django import Settings

from accounts.models import Session
from accounts.signals import sessions_ended
from tests.accounts.issuer import AUDIENCE, ISSUER, KEYS, public_pem
from tests.factories import tier


@pytest.fixture
def ended_sessions() -> Iterator[list[tuple[list[UUID], str]]]:
    """The sessions and the `authorization` that each `sessions_ended` signal carried."""
    received: list[tuple[list[UUID], str]] = []

    def receive(sessions: list[Session], authorization: str, **kwargs: Any) -> None:
        received.append(([session.pk for session in sessions], authorization))

    sessions_ended.connect(receive)
    yield received
    sessions_ended.disconnect(receive)


@pytest.fixture
def external_issuer(db: None, settings: Settings) -> None:
    """Accept the tokens of `tests.accounts.issuer`, by its RS256 key."""
    tier("Premium")
    settings.JWT_ISSUER, settings.JWT_AUDIENCE = ISSUER, AUDIENCE
    settings.JWT_PUBLIC_KEY = public_pem(KEYS["RS256"])
    settings.JWT_JWKS_URL = ""
