"""A Problem as an HTTP answer, in the words of a door."""

from collections.abc import Callable
from dataclasses import dataclass, field

from django.http import HttpResponse, JsonResponse

from api.problems import Problem


@dataclass(frozen=True, slots=True)
class Wording:
    """What a door says of a problem: JSON, or plain text where the contract sends text.

    `status` where a contract answers another one than HTTP's own for this kind of problem.
    """

    body: dict[str, object] | str
    headers: dict[str, str] = field(default_factory=dict)
    status: int | None = None


Describe = Callable[[Problem], Wording]


def worded(describe: Describe, problem: Problem) -> HttpResponse:
    """Answer with a door's wording and with what HTTP itself asks for (RFC 9110, 11.6.1)."""
    wording = describe(problem)
    response: HttpResponse
    if isinstance(wording.body, str):
        response = HttpResponse(wording.body, content_type="text/plain; charset=utf-8")
    else:
        response = JsonResponse(wording.body, json_dumps_params={"ensure_ascii": False})
    response.status_code = wording.status or problem.status
    for name, value in {**problem.headers, **wording.headers}.items():
        response[name] = value
    if response.status_code == 401:
        response["WWW-Authenticate"] = 'Bearer realm="api"'
    return response
