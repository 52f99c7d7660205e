"""Migrations are complete, and data migrations are reversible."""

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations import RunPython
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import ProjectState
from django.utils import timezone

from accounts.models import Session, User
from accounts.request_origin import RequestOrigin
from accounts.sessions import open_bearer_session
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


@pytest.mark.postgres
def test_the_column_for_a_sessions_jwts_comes_and_goes_without_rewriting_the_table(
    alice: User,
) -> None:
    """It may hold millions of rows, and the release before serves meanwhile."""
    open_bearer_session(alice, RequestOrigin())
    loader = MigrationExecutor(connection).loader
    migration = loader.get_migration("accounts", "0003_session_issued_jwts")
    before = loader.project_state(("accounts", "0002_revoked_tokens"))
    file = table_file()
    # Deferred constraints of the rows above would refuse a change of their table.
    connection.check_constraints()
    with connection.schema_editor() as editor:
        migration.unapply(before.clone(), editor)
    insert_with(before, alice)
    connection.check_constraints()
    with connection.schema_editor() as editor:
        migration.apply(before.clone(), editor)
    assert table_file() == file
    assert [row.issued_jwts for row in Session.objects.all()] == [None, None]


def table_file() -> int:
    """Return what names the table's file; PostgreSQL writes another when it rewrites the table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_filenode('accounts_session')")
        found: int = cursor.fetchone()[0]
        return found


def insert_with(state: ProjectState, user: User) -> None:
    """Insert a session as the release of that state does."""
    model = state.apps.get_model("accounts", "Session")
    model.objects.create(user_id=user.pk, scheme="bearer", expires_at=timezone.now())
