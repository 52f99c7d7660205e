"""Checks that logouts reach other services, and that theirs reach us, over the real exchange."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager

from django.conf import settings
from pika.adapters.blocking_connection import BlockingChannel

from config.doctor.checks import CheckFailed, CheckSkipped, wait_for
from config.doctor.http_client import HttpClient
from config.doctor.smoke_test import SmokeTest
from notifications.logouts.broker import BROKER_UNAVAILABLE, connect, declare_exchange


def check_published_logout(smoke_test: SmokeTest) -> str:
    """Sign out, and receive the logout as another service would."""
    with _bind_queue() as (channel, queue):
        client, token = _open_session(smoke_test)
        client.get("/auth/signout")
        failure = CheckFailed(
            f"a logout was not published within {smoke_test.timeout:.0f} s",
            "start `manage.py relay_outbox`",
        )
        wait_for(lambda: _receive(channel, queue, token), smoke_test.timeout, failure)
    return "a logout reaches other services"


def check_received_logout(smoke_test: SmokeTest) -> str:
    """Publish a logout as another service would, and wait until the session here has ended."""
    with _bind_queue() as (channel, _):
        client, token = _open_session(smoke_test)
        body = json.dumps({"type": "logout", "message": token})
        channel.basic_publish(settings.AUTH_EXCHANGE, "", body.encode())
        failure = CheckFailed(
            f"another service's logout ended no session within {smoke_test.timeout:.0f} s",
            "start `manage.py consume_auth_events`",
        )
        wait_for(lambda: client.get("/auth/currentUser").status == 401, smoke_test.timeout, failure)
    return "a logout of another service ends its session here"


@contextmanager
def _bind_queue() -> Iterator[tuple[BlockingChannel, str]]:
    """Bind a queue to the exchange; RabbitMQ deletes it when the connection closes."""
    if not settings.AMQP_URL:
        raise CheckSkipped("AMQP_URL is not set")
    try:
        connection = connect()
    except BROKER_UNAVAILABLE as error:
        raise CheckFailed(
            f"RabbitMQ cannot be reached ({type(error).__name__})", "check AMQP_URL"
        ) from None
    with closing(connection):
        channel = connection.channel()
        declare_exchange(channel)
        queue = channel.queue_declare("", exclusive=True).method.queue
        channel.queue_bind(queue, settings.AUTH_EXCHANGE)
        yield channel, queue


def _open_session(smoke_test: SmokeTest) -> tuple[HttpClient, str]:
    """Sign in once more; the check ends this session."""
    sign_in = {"login": smoke_test.user.username, "password": smoke_test.password}
    response = smoke_test.client.post_json("/auth/signin", sign_in)
    if response.status != 200:
        raise CheckSkipped("nobody is signed in")
    token = str(response.json()["token"])
    return HttpClient(smoke_test.client.url, f"Bearer {token}"), token


def _receive(channel: BlockingChannel, queue: str, token: str) -> bool:
    _, _, body = channel.basic_get(queue, auto_ack=True)
    return body is not None and token in body.decode(errors="replace")
