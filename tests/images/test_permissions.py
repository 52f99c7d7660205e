"""What Django's permissions give staff over other people's pictures."""

import logging

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.db.migrations import RunPython
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Model
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from images.access import may_act_for, may_change, may_see
from images.exceptions import LinkGone, LinkNotGranted
from images.links import make_link, open_link, read_token
from images.models import Picture
from images.permissions import PicturePermission, accounts_that_reach_others, reaches_others
from tests.factories import find_permission, make_picture, make_staff, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


def fresh(user: User) -> User:
    """Return an account as a request finds it: without remembered permissions."""
    return User.objects.select_related("tier").get(pk=user.pk)


@pytest.mark.parametrize("permission", PicturePermission)
def test_the_query_of_accounts_is_the_rule_for_one(permission: PicturePermission) -> None:
    made: list[User] = [make_staff(f"staff-{each.name}", each) for each in PicturePermission]
    member = make_user("member")
    member.user_permissions.add(find_permission(permission))
    role = Group.objects.create(name="A role")
    role.permissions.add(find_permission(permission))
    in_role, former = make_staff("in-role"), make_staff("former", permission)
    in_role.groups.add(role)
    User.objects.filter(pk=former.pk).update(is_active=False)
    root = make_user("root", is_superuser=True)
    people = [fresh(each) for each in (*made, member, in_role, former, root)]
    one_by_one = {each for each in people if reaches_others(each, permission)}
    assert set(accounts_that_reach_others(permission)) == one_by_one
    assert {"in-role", "root", f"staff-{permission.name}"} <= {each.username for each in one_by_one}
    assert {"member", "former"}.isdisjoint(each.username for each in one_by_one)


@pytest.mark.parametrize("permission", PicturePermission)
def test_pictures_in_reach_are_those_that_may_be_acted_for(
    alice: User, permission: PicturePermission
) -> None:
    picture = make_picture(alice)
    for viewer in (
        alice,
        make_user("other"),
        *(make_staff(each.name, each) for each in PicturePermission),
    ):
        found = Picture.objects.in_reach_of(viewer, permission).filter(pk=picture.pk).exists()
        assert found == may_act_for(viewer, alice.pk, permission), viewer


def test_the_rule_asks_nothing_for_members_and_two_queries_for_staff(
    alice: User, bob: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    picture = make_picture(alice)
    clerk, viewer = fresh(make_staff("clerk")), fresh(make_staff("viewer", "images.view_picture"))
    for account, queries in ((bob, 0), (clerk, 2), (viewer, 2)):
        with django_assert_num_queries(queries):
            for _ in range(3):
                assert may_see(account, picture) is (account is viewer)
                assert not may_change(account, picture)


def test_staff_make_links_to_others_pictures_by_the_permission_alone(alice: User) -> None:
    theirs = make_picture(alice)
    linker = make_staff("linker", "images.add_link", tier_name="Basic")
    link, token = make_link(maker=linker, picture=theirs, seconds=300)
    read = read_token(token)
    assert read is not None
    assert open_link(read) == link
    # One's own pictures are a matter of the tier.
    with pytest.raises(LinkNotGranted):
        make_link(maker=linker, picture=make_picture(linker), seconds=300)
    with pytest.raises(LinkNotGranted):
        make_link(maker=make_staff("clerk", tier_name="Enterprise"), picture=theirs, seconds=300)
    linker.user_permissions.clear()
    with pytest.raises(LinkGone):
        open_link(read)


def test_the_role_keeps_what_staff_had_and_is_reversible(
    alice: User, staff: User, caplog: pytest.LogCaptureFixture
) -> None:
    clerk = make_staff("clerk")
    executor = MigrationExecutor(connection)
    operation = executor.loader.get_migration("images", "0006_moderation_role").operations[0]
    assert isinstance(operation, RunPython)
    assert operation.reverse_code is not None
    apps, editor = executor.loader.project_state().apps, connection.schema_editor()
    for _ in range(2):
        operation.reverse_code(apps, editor)
        assert not any(reaches_others(fresh(clerk), each) for each in PicturePermission)
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            operation.code(apps, editor)
        assert all(reaches_others(fresh(clerk), each) for each in PicturePermission)
        assert "Moderation" in caplog.text
        assert "clerk" in caplog.text
    role = Group.objects.get(name="Moderation")
    members: list[Model] = list(User.objects.filter(groups=role))
    assert members == [clerk]
