"""Migrations are complete, and data migrations are reversible."""

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations import RunPython
from django.db.migrations.executor import MigrationExecutor

from tiers.models import Tier

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


def test_every_model_change_has_its_migration() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_the_migration_of_the_default_tiers_is_reversible() -> None:
    executor = MigrationExecutor(connection)
    migration = executor.loader.get_migration("tiers", "0002_default_tiers")
    state = executor.loader.project_state(("tiers", "0002_default_tiers"))
    operation = migration.operations[0]
    assert isinstance(operation, RunPython)
    assert operation.reverse_code is not None
    editor = connection.schema_editor()
    operation.reverse_code(state.apps, editor)
    assert not Tier.objects.exists()
    operation.code(state.apps, editor)
    found = {
        tier.name: (
            sorted(tier.heights.values_list("height", flat=True)),
            tier.grants_original,
            tier.grants_links,
            (tier.link_min_seconds, tier.link_max_seconds),
        )
        for tier in Tier.objects.all()
    }
    assert found == {
        "Basic": ([200], False, False, (300, 30_000)),
        "Premium": ([200, 400], True, False, (300, 30_000)),
        "Enterprise": ([200, 400], True, True, (300, 30_000)),
    }
