"""What stands between the server and Django."""

import pytest
from django.test import RequestFactory

from config.wsgi import application

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("kept_connection")]


@pytest.mark.parametrize("charset", ["bz2", "rot13", "no-such", "latin-1", ""])
def test_a_charset_that_is_none_fails_no_request_that_has_a_query(charset: str) -> None:
    statuses: list[str] = []
    environ = RequestFactory().get("/robots.txt?a=b").environ
    environ |= {"CONTENT_TYPE": f"text/plain; charset={charset}", "HTTP_HOST": "localhost"}
    for path in ("/robots.txt", "/images/users/x"):
        environ["PATH_INFO"] = path
        list(application(dict(environ), lambda status, _: statuses.append(status)))
    assert statuses == ["200 OK", "404 Not Found"]
