from pathlib import Path

import pytest

API_TESTS = Path(__file__).parent
# What is said here of requests, bodies and documents is the same whatever the database is.
OF_HTTP_ALONE = {
    "test_compression.py", "test_documentation.py", "test_errors.py", "test_multipart_parser.py",
    "test_openapi.py", "test_parsers.py", "test_request_bodies.py", "test_schema.py",
    "test_scopes.py", "test_trailing_slash.py", "test_urls.py",
}  # fmt: skip
# Every route; then what databases are known to do otherwise: order and compare rows, let a
# constraint refuse one, add up.
OF_DATABASES = {
    "test_output_shapes.py", "test_event_views.py", "test_pagination.py", "test_retries.py",
    "test_usage_views.py",
}  # fmt: skip


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The contracts hold on both stacks: what can differ is also asked on SQLite, nightly more."""
    for item in items:
        if item.path.is_relative_to(API_TESTS) and (mark := mark_of(item)):
            item.add_marker(mark)


def mark_of(item: pytest.Item) -> str:
    """Return the mark with which a test runs on SQLite too, or nothing."""
    if item.path.name in OF_HTTP_ALONE or not asks_a_database(item):
        return ""
    return "sqlite" if item.path.name in OF_DATABASES or commits(item) else "sqlite_nightly"


def asks_a_database(item: pytest.Item) -> bool:
    if item.get_closest_marker("postgres"):
        return False
    fixtures = getattr(item, "fixturenames", ())
    return bool(item.get_closest_marker("django_db")) or not {"db", "transactional_db"}.isdisjoint(
        fixtures
    )


def commits(item: pytest.Item) -> bool:
    """Tell whether a test's transactions are real, and so are its locks."""
    mark = item.get_closest_marker("django_db")
    fixtures = getattr(item, "fixturenames", ())
    return "transactional_db" in fixtures or bool(mark and mark.kwargs.get("transaction"))
