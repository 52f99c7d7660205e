"""The web process of a local run: brings the database up to date, then serves HTTP and WebSocket.

One process instead of three, because starting Django is most of the time until the first answer.
"""

import gc
import os
import sys

import django
import uvicorn
from django.core.management import call_command

from config.one_port_server import BoundedHttpProtocol
from config.start import loading, start_decoders

STOP_TIMEOUT = 3


def main(host: str, port: int) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    with loading():
        django.setup()
    wait_for_decoders = start_decoders(are_for_checks=True)
    call_command("migrate", interactive=False, verbosity=0)
    call_command("create_admin")
    # Migrations leave models of every state, which would stay with the application.
    gc.collect()
    wait_for_decoders()
    uvicorn.run(
        "config.asgi:application",
        host=host,
        port=port,
        http=BoundedHttpProtocol,
        lifespan="off",
        log_level="warning",
        # No proxy stands in front: a forged X-Forwarded-For must not choose the caller's address.
        proxy_headers=False,
        server_header=False,
        # No socket takes anything larger; the same in docker-compose.yml.
        ws_max_size=65_536,
        timeout_graceful_shutdown=STOP_TIMEOUT,
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
