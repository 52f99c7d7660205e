"""One line for each request, with what was wrong with a refused one.

Written by a handler of its own, beside what the request itself has to say (`config.env.logging`).
"""

import logging
import time

logger = logging.getLogger("tintype.requests")
# What machines ask every few seconds, and a page's many files: their lines would hide the others.
_QUIET = ("/healthz", "/readyz", "/metrics", "/static/")
_MAX_REASON_LENGTH = 200
# Bears the reason from where the response is made; nothing of it is sent.
REFUSAL = "_refusal"


def log_request(method: str, path: str, status: int, started: float, refusal: str = "") -> None:
    """Write the line of a request whose response begins now; `started` is `perf_counter`'s.

    Without the query, which may hold a signature.
    """
    level = logging.DEBUG if path.startswith(_QUIET) else logging.INFO
    if not logger.isEnabledFor(level):
        return
    milliseconds = (time.perf_counter() - started) * 1000
    reason = f": {_in_one_line(refusal)}" if refusal else ""
    extra = {"status": status, "milliseconds": round(milliseconds, 1)}
    logger.log(level, "%s %s %d %.0f ms%s", method, path, status, milliseconds, reason, extra=extra)


def _in_one_line(text: str) -> str:
    """Return a text that may hold what a stranger sent, without what ends or hides a line."""
    printable = "".join(each if each.isprintable() else "�" for each in text)
    return printable[:_MAX_REASON_LENGTH]
