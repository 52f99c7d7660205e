"""Asks the server in this container whether it lives: `healthcheck.py PORT`; exit code 0 or 1.

The request bears the public name, because Django answers to no other.
"""

import http.client
import os
import sys
from urllib.parse import urlsplit

ALIVE = 200


def main(port: int) -> int:
    host = urlsplit(os.environ.get("PUBLIC_URL", "")).hostname or "localhost"
    host = f"[{host}]" if ":" in host else host
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=4)
    try:
        connection.request("GET", "/healthz", headers={"Host": host})
        return 0 if connection.getresponse().status == ALIVE else 1
    except OSError:
        return 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
