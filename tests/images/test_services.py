"""What people do with their pictures: one active each, deletions that leave nothing."""

import pytest
from django.db import IntegrityError, transaction

from images import storage
from images.access import may_see
from images.exceptions import PictureIsActive
from images.models import Picture
from images.services import activate, delete_all, delete_unless_active, update_picture
from images.signals import picture_activated
from tests.factories import make_picture


@pytest.fixture
def activations():
    """The pictures of which was said that they became active."""
    heard = []

    def hear(picture, **kwargs):
        heard.append(picture.pk)

    picture_activated.connect(hear)
    yield heard
    picture_activated.disconnect(hear)


@pytest.mark.django_db
def test_activating_twice_says_so_once(alice, activations):
    picture = make_picture(alice)
    activate(picture)
    activate(picture)
    assert activations == [picture.pk]


@pytest.mark.django_db
def test_the_picture_that_steps_back_tells_when(alice):
    first, second = make_picture(alice), make_picture(alice)
    activate(first)
    before = first.updated_at
    activate(second)
    first.refresh_from_db()
    assert not first.is_active
    assert first.updated_at > before


@pytest.mark.django_db
def test_a_picture_that_is_gone_cannot_be_activated(alice):
    picture = make_picture(alice)
    Picture.objects.all().delete()
    with pytest.raises(Picture.DoesNotExist):
        activate(picture)


@pytest.mark.django_db
def test_the_database_itself_allows_one_active_picture(alice):
    activate(make_picture(alice))
    other = make_picture(alice)
    with pytest.raises(IntegrityError), transaction.atomic():
        Picture.objects.filter(pk=other.pk).update(is_active=True)


@pytest.mark.django_db
def test_the_active_picture_stays_and_another_goes(alice):
    active, other = make_picture(alice), make_picture(alice)
    stale = Picture.objects.get(pk=active.pk)
    activate(active)
    with pytest.raises(PictureIsActive):
        delete_unless_active(stale)
    delete_unless_active(other)
    assert list(Picture.objects.all()) == [active]


@pytest.mark.django_db
def test_changing_one_thing_leaves_alone_what_someone_else_changes(alice):
    mine = make_picture(alice)
    theirs = Picture.objects.get(pk=mine.pk)
    update_picture(mine, visibility="public")
    update_picture(theirs, description="x")
    theirs.refresh_from_db()
    assert (theirs.visibility, theirs.description) == ("public", "x")


@pytest.mark.django_db
@pytest.mark.parametrize("visibility", Picture.Visibility.values)
def test_the_rule_as_a_query_is_the_rule(alice, bob, staff, visibility):
    picture = make_picture(alice, visibility=visibility)
    for viewer in (alice, bob, staff, None):
        found = Picture.objects.visible_to(viewer).filter(pk=picture.pk).exists()
        assert found == may_see(viewer, picture), viewer


# --- Emptying a folder ----------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_draft_that_is_being_written_is_spared_and_a_forgotten_one_goes(
    alice, tmp_path, monkeypatch, django_capture_on_commit_callbacks
):
    draft = tmp_path / "images" / storage.folder_of(alice.pk) / ".new.png.12345678"
    draft.parent.mkdir(parents=True)
    draft.write_bytes(b"half")
    with django_capture_on_commit_callbacks(execute=True):
        delete_all(alice.pk)
    assert draft.exists()
    later = storage.timezone.now() + storage._DRAFT_IS_FORGOTTEN
    monkeypatch.setattr(storage.timezone, "now", lambda: later)
    with django_capture_on_commit_callbacks(execute=True):
        delete_all(alice.pk)
    assert not draft.parent.exists()


@pytest.mark.django_db
def test_files_go_only_when_the_rows_are_gone_for_good(alice, stored_files):
    make_picture(alice)
    with transaction.atomic():
        delete_all(alice.pk)
        transaction.set_rollback(True)
    assert Picture.objects.count() == len(stored_files()) == 1
