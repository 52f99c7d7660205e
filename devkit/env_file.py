"""`./dev env`: makes the `.env` of a deployment, with every secret fresh."""

import os
import secrets
import sys
from pathlib import Path
from urllib.parse import urlsplit

from devkit import environment
from devkit.messages import Refusal, say

OWN_MACHINE = {"localhost", "127.0.0.1", "::1"}
# Letters and digits alone: they become parts of addresses, and Compose reads them unquoted.
SECRETS = {
    "SECRET_KEY": 40,
    "POSTGRES_PASSWORD": 24,
    "RABBITMQ_PASSWORD": 24,
    "REDIS_PASSWORD": 24,
    "PEERS_PASSWORD": 24,
    "ADMIN_PASSWORD": 12,
}
SIGNUP = [
    "# Who makes an account: open (everybody), invite (whoever has an invitation, which is made in",
    "# the admin), or closed (staff alone).",
    "SIGNUP=open",
]
SECOND_FACTOR = [
    "# Whether staff have rights only after a second factor (a code of an app): off or required.",
    "# Let them add one first, in the admin under Second factor.",
    "STAFF_SECOND_FACTOR=off",
]
NEXT = """\
Wrote {path}, which only you can read. Keep a copy: sessions and links end with SECRET_KEY.
Next:
  docker compose up --build --detach --wait
  open {url}/admin/ and sign in as admin with the ADMIN_PASSWORD in {path}
{tls}"""
TLS_ELSEWHERE = """\
TLS ends at a proxy of yours in front of port 8080 (then TRUSTED_PROXIES=2), or at nginx here:
  CERTIFICATE_DIR=/path docker compose -f docker-compose.yml -f docker-compose.tls.yml up …"""


def run(arguments: list[str]) -> int:
    """Write the file; raises Refusal where there is one already."""
    if len(arguments) > 2:
        raise Refusal("env takes the public address and, if it is not .env, the file to write.")
    url = _parse_url(arguments[0] if arguments else _prompt())
    path = Path(arguments[1]) if len(arguments) > 1 else environment.ROOT / ".env"
    _write(path, _render(url))
    say(NEXT.format(path=path, url=url, tls=TLS_ELSEWHERE if url.startswith("https") else ""))
    return 0


def _prompt() -> str:
    if not sys.stdin.isatty():
        raise Refusal("say where browsers will find the service: ./dev env https://HOST")
    return input("Public address, for example https://pictures.example.org: ").strip()


def _parse_url(url: str) -> str:
    """Cookies of a deployment are for HTTPS; browsers make an exception for their own machine."""
    parts = urlsplit(url.rstrip("/"))
    is_site = parts.hostname and not (parts.path or parts.query or parts.fragment or "@" in url)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in OWN_MACHINE)
    if not (is_site and is_safe and url.isprintable() and not set(url) & set(" '\"$#\\")):
        raise Refusal(f"{url!r} is not https://HOST (http:// is for localhost alone).")
    return url.rstrip("/")


def _render(url: str) -> str:
    lines = ["# Made by ./dev env for docker-compose.yml; secret.", f"PUBLIC_URL={url}"]
    if url.startswith("http:"):
        lines.append("SSL_REDIRECT=off")
    lines += SIGNUP + SECOND_FACTOR
    lines += [f"{name}={secrets.token_hex(size)}" for name, size in SECRETS.items()]
    return "\n".join(lines) + "\n"


def _write(path: Path, content: str) -> None:
    """Made for its owner alone from the first moment, and never over a file that is there."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Refusal(f"{path} is there already; move it away to make a new one.") from None
    except OSError as error:
        raise Refusal(f"{path} cannot be written: {error.strerror}.") from None
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(content)
