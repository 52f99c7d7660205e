"""What each kind of exception means to a client: kind, status, message, code, and the fields."""

import pytest
from django.core.exceptions import ValidationError
from django.db import OperationalError
from django.utils import translation
from rest_framework import exceptions as drf
from rest_framework.exceptions import ErrorDetail

from accounts.exceptions import MissingScope, TooManyAttempts, TooManyTokens
from api.errors import UNAVAILABLE, problem_of
from api.problems import FieldError, Problem
from images.formats.limits import RefusedPicture


def test_a_refused_picture_is_the_fault_of_its_field() -> None:
    error = RefusedPicture("damaged", "It ends early.")
    field = FieldError("image", error.message, "damaged")
    assert problem_of(error) == Problem("validation", 400, error.message, "damaged", (field,))


def test_a_validation_names_each_field_with_its_code() -> None:
    error = ValidationError(
        {"name": [ValidationError("Too long.", code="max"), "Odd."], "email": "No."}
    )
    fields = (
        FieldError("name", "Too long.", "max"),
        FieldError("name", "Odd.", "invalid"),
        FieldError("email", "No.", "invalid"),
    )
    assert problem_of(error) == Problem("validation", 400, "Too long.", "max", fields)


def test_a_validation_without_a_field_blames_none() -> None:
    error = ValidationError([ValidationError("First.", code="one"), ValidationError("Second.")])
    fields = (FieldError("", "First.", "one"), FieldError("", "Second.", "invalid"))
    assert problem_of(error) == Problem("validation", 400, "First.", "one", fields)


def test_nested_details_are_named_by_the_way_to_them() -> None:
    error = drf.ValidationError(
        {
            "address": {
                "street": [ErrorDetail("Missing.", "required")],
                "non_field_errors": ["Odd."],
            },
            "ids": [{"id": ["No number.", ErrorDetail("No code.")]}],
            "non_field_errors": ["All wrong."],
        }
    )
    fields = (
        FieldError("address.street", "Missing.", "required"),
        FieldError("address", "Odd.", "invalid"),
        FieldError("ids.id", "No number.", "invalid"),
        FieldError("ids.id", "No code.", "invalid"),
        FieldError("", "All wrong.", "invalid"),
    )
    assert problem_of(error) == Problem("validation", 400, "Missing.", "required", fields)
    nothing = problem_of(drf.ValidationError({}))
    assert nothing == Problem("validation", 400, "Invalid input.", "invalid")


def test_limits_and_scopes_say_what_would_help() -> None:
    throttled = problem_of(TooManyAttempts(17))
    assert throttled is not None
    assert (throttled.kind, throttled.status) == ("throttled", 429)
    assert throttled.headers == {"Retry-After": "17"}
    forbidden = problem_of(MissingScope(["upload", "links"]))
    assert forbidden is not None
    assert (forbidden.kind, forbidden.status, forbidden.code) == ("forbidden", 403, "scope")
    assert 'scope="upload links"' in forbidden.headers["WWW-Authenticate"]


def test_other_refusals_of_the_framework_keep_their_status_and_their_words() -> None:
    found = problem_of(drf.APIException("Odd.", "odd"))
    assert found == Problem("business", 500, "Odd.")
    assert problem_of(drf.APIException({"a": "b"})) == Problem("business", 500, "Bad request.")
    with translation.override("en"):
        method = problem_of(drf.MethodNotAllowed("PUT"))
    assert method == Problem("method", 405, 'Method "PUT" not allowed.')
    parse = problem_of(drf.ParseError("JSON parse error - Expecting value"))
    assert parse == Problem("validation", 400, "The body cannot be read.", "parse_error")


def test_what_says_by_itself_how_much_is_too_much_is_quoted() -> None:
    error = TooManyTokens(50)
    assert str(error)
    assert problem_of(error) == Problem("conflict", 409, str(error))


@pytest.mark.parametrize(
    ("error", "problem"), [(OperationalError("gone"), UNAVAILABLE), (ZeroDivisionError(), None)]
)
def test_a_part_that_is_away_is_503_and_what_nobody_foresaw_is_left_to_django(
    error: Exception, problem: Problem | None
) -> None:
    assert problem_of(error) == problem
