from pathlib import Path

import pytest

API_TESTS = Path(__file__).parent
# What is said here of requests, bodies and documents is the same whatever the database is;
# `test_output_shapes.py` goes through every route on both.
OF_HTTP_ALONE = {
    "test_compression.py", "test_documentation.py", "test_errors.py", "test_multipart_parser.py",
    "test_openapi.py", "test_parsers.py", "test_request_bodies.py", "test_scopes.py",
    "test_trailing_slash.py", "test_urls.py",
}  # fmt: skip


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The contracts hold on both stacks: what can differ is also asked on SQLite."""
    for item in items:
        is_ours = item.path.is_relative_to(API_TESTS) and item.path.name not in OF_HTTP_ALONE
        if is_ours and asks_a_database(item):
            item.add_marker("sqlite")


def asks_a_database(item: pytest.Item) -> bool:
    if item.get_closest_marker("postgres"):
        return False
    fixtures = getattr(item, "fixturenames", ())
    return bool(item.get_closest_marker("django_db")) or not {"db", "transactional_db"}.isdisjoint(
        fixtures
    )
