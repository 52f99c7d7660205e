"""Asks the server in this container whether it lives: `healthcheck.py PORT`; exit code 0 or 1.

It must take connections at PORT, and answer at HEALTH_PORT where that is set: there no request
keeps it from answering. The request bears the public name, because Django answers to no other.
"""

import http.client
import os
import socket
import sys
from urllib.parse import urlsplit

ALIVE = 200


def main(port: int) -> int:
    host = urlsplit(os.environ.get("PUBLIC_URL", "")).hostname or "localhost"
    host = f"[{host}]" if ":" in host else host
    try:
        socket.create_connection(("127.0.0.1", port), timeout=4).close()
        asked = int(os.environ.get("HEALTH_PORT") or port)
        connection = http.client.HTTPConnection("127.0.0.1", asked, timeout=4)
        connection.request("GET", "/healthz", headers={"Host": host})
        return 0 if connection.getresponse().status == ALIVE else 1
    except OSError:
        return 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
