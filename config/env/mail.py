"""How mail is sent, from one URL."""

from typing import Any
from urllib.parse import urlsplit

from environ import Env

# "smtps" is left out: to some it is TLS from the start, to others STARTTLS.
SCHEMES = ("smtp", "smtp+tls", "smtp+ssl", "consolemail")
_PORTS = {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465}


def mail_config(url: str) -> dict[str, Any]:
    """Return Django's settings of mail for a URL, whose scheme is one of SCHEMES."""
    config: dict[str, Any] = Env.email_url_config(url)
    config["EMAIL_PORT"] = config["EMAIL_PORT"] or _PORTS.get(urlsplit(url).scheme, 0)
    return {name: value for name, value in config.items() if name.startswith("EMAIL_") and value}
