"""The words of a status on the wire are the same under every version of Python."""

from http import HTTPStatus

import pytest

from api.auth_service.errors import render_problem as render_auth_service
from api.image_service.errors import render_problem as render_image_service
from api.problems import Problem
from api.status_phrases import STATUS_PHRASES

# As Python 3.11 has them.
PHRASES = {
    400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden",
    404: "Not Found", 405: "Method Not Allowed", 406: "Not Acceptable",
    407: "Proxy Authentication Required", 408: "Request Timeout", 409: "Conflict", 410: "Gone",
    411: "Length Required", 412: "Precondition Failed", 413: "Request Entity Too Large",
    414: "Request-URI Too Long", 415: "Unsupported Media Type",
    416: "Requested Range Not Satisfiable", 417: "Expectation Failed", 418: "I'm a Teapot",
    421: "Misdirected Request", 422: "Unprocessable Entity", 423: "Locked",
    424: "Failed Dependency", 425: "Too Early", 426: "Upgrade Required",
    428: "Precondition Required", 429: "Too Many Requests",
    431: "Request Header Fields Too Large", 451: "Unavailable For Legal Reasons",
    500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway",
    503: "Service Unavailable", 504: "Gateway Timeout", 505: "HTTP Version Not Supported",
    506: "Variant Also Negotiates", 507: "Insufficient Storage", 508: "Loop Detected",
    510: "Not Extended", 511: "Network Authentication Required",
}  # fmt: skip


def problem(status: int) -> Problem:
    return Problem("business", status, "A message.")


def test_every_error_status_of_http_has_its_phrase() -> None:
    assert STATUS_PHRASES == PHRASES
    assert {status.value for status in HTTPStatus if status >= 400} <= PHRASES.keys()


# 400 and 401 have shapes of their own at both, and 403 the message of its reason at `/image`.
@pytest.mark.parametrize("status", sorted(PHRASES.keys() - {400, 401, 403}))
def test_the_image_service_sends_the_phrase(status: int) -> None:
    assert render_image_service(problem(status)).body == {"error": PHRASES[status]}


@pytest.mark.parametrize("status", sorted(PHRASES.keys() - {400, 401, 404, 413}))
def test_the_auth_service_sends_the_phrase_in_body_and_header(status: int) -> None:
    rendered = render_auth_service(problem(status))
    assert rendered.body == {"error": PHRASES[status]}
    assert rendered.headers == {"X-Status-Reason": PHRASES[status]}


def test_the_statuses_with_words_of_their_own() -> None:
    assert render_image_service(problem(401)).body == {"error": "Unauthorized"}
    assert render_image_service(problem(403)).body == {"error": "A message."}
    assert render_auth_service(problem(401)).body == "Unauthorized"
    assert render_auth_service(problem(404)).body == {"url": "", "error": "Not Found"}
    assert render_auth_service(problem(413)).body == {"error": "Payload Too Large"}
