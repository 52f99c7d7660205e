from pathlib import Path

import pytest

API_TESTS = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The contracts hold on both stacks: what asks a database is also asked on SQLite."""
    for item in items:
        if item.path.is_relative_to(API_TESTS) and asks_a_database(item):
            item.add_marker("sqlite")


def asks_a_database(item: pytest.Item) -> bool:
    if item.get_closest_marker("postgres"):
        return False
    fixtures = getattr(item, "fixturenames", ())
    return bool(item.get_closest_marker("django_db")) or not {"db", "transactional_db"}.isdisjoint(
        fixtures
    )
