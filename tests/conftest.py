import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db.models.signals import post_migrate
from django.test import TransactionTestCase
from hypothesis import HealthCheck, settings
from pytest_django import DjangoDbBlocker
from schemathesis.pytest.plugin import SchemathesisFunction

from tests.emptying import Emptying
from tiers.models import Tier, TierHeight

# A machine that is busy for a moment is not a failure.
settings.register_profile(
    "busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("busy machine")
API_TESTS = Path(__file__).parent / "api"
NIGHTLY_FILE = re.compile(r"^pytestmark = (\[[^\]]*|.*)pytest\.mark\.nightly", re.MULTILINE)
pytest_plugins = ["tests.fixtures", "tests.rendered", "tests.shared_run", "tests.storages"]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each operation of the OpenAPI document an id, and begin with the files of long tests.

    Schemathesis names its items by their operation but gives all of them one id, of which a
    parallel run runs the first alone. Long tests begin first, so that no process waits for them
    at the end.
    """
    for item in items:
        if isinstance(item, SchemathesisFunction):
            item._id = replace(item.id, params=item.operation_label)
    require_unique_ids(items)
    items.sort(key=lambda item: not any(map(item.get_closest_marker, ("nightly", "slow"))))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Import no file of which no test is chosen by its mark."""
    if collection_path.name.startswith("test_") and collection_path.is_file():
        expression = config.option.markexpr
        # These get their mark for SQLite when they are collected.
        is_marked_later = "sqlite" in expression and collection_path.is_relative_to(API_TESTS)
        chosen = is_marked_later or may_be_chosen(expression, collection_path.read_text())
        return None if chosen else True
    return None


def may_be_chosen(expression: str, source: str) -> bool:
    """Tell whether `-m` can choose a test of a file, by the marks that `./dev test` asks for."""
    if "not nightly" in expression and NIGHTLY_FILE.search(source):
        return False
    return not expression.startswith("nightly") or "mark.nightly" in source


def require_unique_ids(items: list[pytest.Item]) -> None:
    """Raise UsageError where two tests have one id: only one of them would run."""
    counts = Counter(item.nodeid for item in items)
    if repeated := sorted(name for name, count in counts.items() if count > 1):
        raise pytest.UsageError("Several tests of one id: " + ", ".join(repeated))


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, postgres_server: object
) -> None:
    """Start the server before pytest-django makes its database there."""


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Have tests of transactions undo what they wrote, and Django's flush give back the tiers.

    Each test finds Django knowing the content types, which the first to ask would pay a query for.
    """
    with django_db_blocker.unblock():
        ContentType.objects.get_for_models(*apps.get_models())
        tiers, heights = list(Tier.objects.all()), list(TierHeight.objects.all())
        emptying = Emptying()

    def give_back(**_: object) -> None:
        if not Tier.objects.exists():
            Tier.objects.bulk_create(tiers)
            TierHeight.objects.bulk_create(heights)

    post_migrate.connect(give_back, sender=apps.get_app_config("tiers"), weak=False)

    def empty(test_case: TransactionTestCase) -> None:
        emptying.restore(test_case)
        ContentType.objects.get_for_models(*apps.get_models())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty)
        yield
