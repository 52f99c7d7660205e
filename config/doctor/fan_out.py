"""Logouts told to other services, and heard from them, over the real exchange."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager

from django.conf import settings
from pika.adapters.blocking_connection import BlockingChannel

from config.doctor.examination import NotTried, Trouble, awaited
from config.doctor.http_client import Visitor
from config.doctor.smoke_test import Journey
from notifications.logouts.broker import BROKER_AWAY, connect, declare_exchange


def told(journey: Journey) -> str:
    """Sign out, and hear of it as another service would."""
    with _exchange() as (channel, queue):
        visitor, token = _bearer(journey)
        visitor.get("/auth/signout")
        late = Trouble(
            f"a logout was not told within {journey.patience:.0f} s",
            "start `manage.py relay_outbox`",
        )
        awaited(lambda: _heard(channel, queue, token), journey.patience, late)
    return "a logout reaches other services"


def heard(journey: Journey) -> str:
    """Tell of a logout as another service would, and be signed out here."""
    with _exchange() as (channel, _):
        visitor, token = _bearer(journey)
        body = json.dumps({"type": "logout", "message": token})
        channel.basic_publish(settings.AUTH_EXCHANGE, "", body.encode())
        late = Trouble(
            f"another service's logout was not heard within {journey.patience:.0f} s",
            "start `manage.py consume_auth_events`",
        )
        awaited(lambda: visitor.get("/auth/currentUser").status == 401, journey.patience, late)
    return "a logout of another service ends its session here"


@contextmanager
def _exchange() -> Iterator[tuple[BlockingChannel, str]]:
    """A queue of our own, which goes with the connection."""
    if not settings.AMQP_URL:
        raise NotTried("AMQP_URL is not set")
    try:
        connection = connect()
    except BROKER_AWAY as error:
        raise Trouble(
            f"RabbitMQ cannot be reached ({type(error).__name__})", "check AMQP_URL"
        ) from None
    with closing(connection):
        channel = connection.channel()
        declare_exchange(channel)
        queue = channel.queue_declare("", exclusive=True).method.queue
        channel.queue_bind(queue, settings.AUTH_EXCHANGE)
        yield channel, queue


def _bearer(journey: Journey) -> tuple[Visitor, str]:
    """Open one more session, which ends with the step."""
    sign_in = {"login": journey.user.username, "password": journey.password}
    answer = journey.visitor.post_json("/auth/signin", sign_in)
    if answer.status != 200:
        raise NotTried("nobody is signed in")
    token = str(answer.json()["token"])
    return Visitor(journey.visitor.url, f"Bearer {token}"), token


def _heard(channel: BlockingChannel, queue: str, token: str) -> bool:
    _, _, body = channel.basic_get(queue, auto_ack=True)
    return body is not None and token in body.decode(errors="replace")
