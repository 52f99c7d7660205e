"""Migrations are complete, and data migrations are reversible."""

from importlib import import_module

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
from images.ledger import Usage
from images.links import make_link
from images.models import Link
from tests.factories import make_picture
from thumbnails.services import ensure_thumbnails
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


# --- The ledger and the quotas --------------------------------------------------------------------


def run_data_migration(app: str, name: str) -> None:
    """Run its code on the rows that are there."""
    executor = MigrationExecutor(connection)
    [operation] = executor.loader.get_migration(app, name).operations
    assert isinstance(operation, RunPython)
    state = executor.loader.project_state((app, name))
    operation.code(state.apps, connection.schema_editor())


def test_the_ledger_is_filled_for_the_rows_of_the_release_before(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for owner in (alice, alice, bob):
        ensure_thumbnails(make_picture(owner).pk)
    before = {each.owner_id: each.amounts for each in Usage.objects.all()}
    Usage.objects.filter(owner=alice).delete()
    Usage.objects.filter(owner=bob).update(pictures=7)
    fill_ledger = import_module("thumbnails.migrations.0007_fill_ledger")
    monkeypatch.setattr(fill_ledger, "BATCH_SIZE", 1)
    run_data_migration("thumbnails", "0007_fill_ledger")
    assert {each.owner_id: each.amounts for each in Usage.objects.all()} == before
    assert len(before) == 2


def test_a_new_installation_has_quotas() -> None:
    quotas = dict(Tier.objects.values_list("name", "max_stored_bytes"))
    assert quotas == {"Basic": 1024**3, "Premium": 10 * 1024**3, "Enterprise": 100 * 1024**3}


def test_an_upgrade_leaves_the_tiers_as_they_are_and_says_so(
    alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    Tier.objects.filter(name="Basic").update(max_stored_bytes=7)
    Tier.objects.exclude(name="Basic").update(max_stored_bytes=None)
    run_data_migration("accounts", "0011_tier_quotas")
    quotas = dict(Tier.objects.values_list("name", "max_stored_bytes"))
    assert quotas == {"Basic": 7, "Premium": None, "Enterprise": None}
    [record] = [each for each in caplog.records if "tier_quotas" in each.name]
    assert "no limit: Enterprise, Premium." in record.getMessage()


def test_links_of_an_older_release_get_their_pictures_owner(alice: User) -> None:
    """Such a row is alive, opens nothing more than it did, and its link stands in the list."""
    link, _ = make_link(maker=alice, picture=make_picture(alice), seconds=300)
    former = Link.objects.values().get()
    Link.objects.all().delete()
    executor = MigrationExecutor(connection)
    loader = executor.loader
    before = loader.project_state(("images", "0012_link_owners"))
    row = {name: former[name] for name in ("picture_id", "maker_id", "created_at", "expires_at")}
    before.apps.get_model("images", "Link").objects.create(id=link.pk, **row)
    assert Link.objects.get().owner is None
    operation = loader.get_migration("images", "0012_link_owners").operations[-1]
    assert isinstance(operation, RunPython)
    operation.code(before.apps, connection.schema_editor())
    assert Link.objects.values().get() == former
