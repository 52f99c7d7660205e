"""Ready roles: made once, after the migrations, and told in people's words."""

import re
from html import unescape

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.core.management.sql import emit_post_migrate_signal
from pytest_django import DjangoAssertNumQueries

from accounts.models import SecurityEvent, User
from images.permissions import PicturePermission, reaches_others
from staff.models import MadeRole
from staff.roles import MODERATION, READY_ROLES, SUPPORT, WORDS, make_ready_roles
from tests.clients import Client
from tests.config.test_admin_rights import ACTIONS, OPENED_BY, form_of
from tests.factories import find_permission, make_staff, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore::ResourceWarning")]
PAGE = "/admin/roles/"


def permissions_of(name: str) -> set[str]:
    named = Group.objects.get(name=name).permissions
    return {".".join(each) for each in named.values_list("content_type__app_label", "codename")}


def forget() -> None:
    """As on a database of which nothing was made."""
    MadeRole.objects.all().delete()
    Group.objects.all().delete()


def test_migrating_makes_both_roles_with_their_permissions() -> None:
    forget()
    Permission.objects.filter(content_type__app_label__in=["accounts", "images"]).delete()
    emit_post_migrate_signal(verbosity=0, interactive=False, db="default")
    for role in READY_ROLES:
        assert permissions_of(role.name) == set(role.permissions)


def test_what_superusers_change_afterwards_stays_so() -> None:
    make_ready_roles()
    support = Group.objects.get(name="Support")
    support.permissions.remove(find_permission("accounts.view_securityevent"))
    Group.objects.filter(name="Moderation").update(name="Moderators")
    for _ in range(2):
        call_command("migrate", verbosity=0)
    assert "accounts.view_securityevent" not in permissions_of("Support")
    assert not Group.objects.filter(name="Moderation").exists()
    Group.objects.all().delete()
    make_ready_roles()
    assert not Group.objects.exists()


def test_a_role_of_the_same_name_that_somebody_made_is_left_as_it_is() -> None:
    forget()
    Group.objects.create(name="Support")
    make_ready_roles()
    assert permissions_of("Support") == set()


@pytest.mark.parametrize("is_used", [False, True])
def test_the_moderation_of_an_earlier_release_is_completed_only_where_nobody_has_it(
    staff: User, is_used: bool
) -> None:
    forget()
    role = Group.objects.create(name="Moderation")
    before = [each.value for each in PicturePermission]
    role.permissions.set([find_permission(each) for each in before])
    if is_used:
        make_staff("clerk").groups.add(role)
    make_ready_roles()
    assert permissions_of("Moderation") == (set(before) if is_used else set(MODERATION.permissions))


def test_moderation_reaches_pictures_and_support_does_not() -> None:
    make_ready_roles()
    people = {role.name: make_staff(role.name.lower()) for role in READY_ROLES}
    for name, account in people.items():
        account.groups.add(Group.objects.get(name=name))
    for permission in PicturePermission:
        assert reaches_others(people["Moderation"], permission)
        assert not reaches_others(people["Support"], permission)


def test_every_permission_that_opens_something_has_words_and_no_other() -> None:
    opening = {name for pages in OPENED_BY.values() for names in pages.values() for name in names}
    opening |= {name for name, _ in ACTIONS.values() if name}
    # Of the table's pages, one makes accounts by two permissions together.
    assert set(WORDS) == opening | {"accounts.add_user", "images.add_picture", "images.add_link"}
    assert set(SUPPORT.permissions) | set(MODERATION.permissions) <= set(WORDS)


@pytest.mark.parametrize(
    ("language", "sentence", "without_effect"),
    [
        ("en", "sees who is signed in, and ends sessions", "Can add group"),
        ("es", "ve quién ha entrado y termina", "Puede añadir grupo"),
    ],
)
def test_all_staff_read_what_each_role_may_do(
    language: str, sentence: str, without_effect: str
) -> None:
    make_ready_roles()
    Group.objects.create(name="Idle").permissions.add(find_permission("auth.add_group"))
    for account, sees_members in (
        (make_staff("clerk"), False),
        (make_user("root", is_staff=True, is_superuser=True), True),
    ):
        client = Client(headers={"Accept-Language": language})
        client.force_login(account)
        page = client.get(PAGE).content.decode()
        assert sentence in page
        assert without_effect in page
        assert ("admin/auth/group/" in page.partition('id="content-main"')[2]) is sees_members


def test_nobody_else_reads_it(alice: User) -> None:
    client = Client()
    client.force_login(alice)
    assert client.get(PAGE).status_code == 302


def test_the_page_takes_as_many_queries_for_many_roles(
    admin_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(9):
        role = Group.objects.create(name=f"Role {number}")
        role.permissions.set(Permission.objects.all()[:30])
    with django_assert_max_num_queries(6):
        assert admin_client.get(PAGE).status_code == 200


def test_the_tick_says_what_staff_may_and_leads_to_the_roles(
    admin_client: Client, alice: User
) -> None:
    page = admin_client.get(f"/admin/accounts/user/{alice.pk}/change/").content.decode()
    assert "It gives nothing else" in page
    assert f'href="{PAGE}"' in page
    assert f'href="{PAGE}"' in admin_client.get("/admin/auth/group/").content.decode()


def test_forms_name_permissions_in_the_readers_language_and_in_english_as_django_does(
    admin_client: Client, alice: User
) -> None:
    role = Group.objects.create(name="Idle")
    for address in (f"accounts/user/{alice.pk}", f"auth/group/{role.pk}"):
        path = f"/admin/{address}/change/"
        page = admin_client.get(path, headers={"Accept-Language": "es"}).content.decode()
        assert "Cuentas | invitación | Puede añadir invitación" in page
        assert not re.search(r"\| Can ", page)
        english = unescape(admin_client.get(path).content.decode())
        for each in Permission.objects.select_related("content_type"):
            assert str(each) in english


def test_the_history_says_which_rights_were_given_and_taken(
    admin_client: Client, staff: User, alice: User
) -> None:
    make_ready_roles()
    support, moderation = (Group.objects.get(name=role.name) for role in READY_ROLES)
    some = find_permission("images.view_link")
    alice.groups.add(moderation)
    form = form_of(alice, is_staff="on", groups=[support.pk], user_permissions=[some.pk])
    address = f"/admin/accounts/user/{alice.pk}"
    assert admin_client.post(f"{address}/change/", form).status_code == 302
    entry = LogEntry.objects.get(object_id=str(alice.pk))
    assert entry.user == staff
    told = entry.get_change_message()
    for sentence in (
        "Added right “staff”.", "Added role “Support”.", "Deleted role “Moderation”.",
        f"Added permission “{some}”.",
    ):  # fmt: skip
        assert sentence in told
    facts = SecurityEvent.objects.get(kind="admin.changed").facts
    assert facts["given"] == ["right staff", "role Support", f"permission {some}"]
    assert facts["taken"] == ["role Moderation"]
    in_spanish = admin_client.get(f"{address}/history/", headers={"Accept-Language": "es"})
    assert "Support" in in_spanish.content.decode()

    kept = [each.pk for each in support.permissions.all()][1:]
    change = {"name": "Support", "permissions": kept}
    assert admin_client.post(f"/admin/auth/group/{support.pk}/change/", change).status_code == 302
    told = LogEntry.objects.get(object_id=str(support.pk)).get_change_message()
    assert "Deleted permission “" in told


def test_the_history_of_actions_is_in_the_readers_language(
    admin_client: Client, alice: User
) -> None:
    form = {"action": "make_reset_links", "_selected_action": [alice.pk]}
    admin_client.post("/admin/accounts/user/", form)
    address = f"/admin/accounts/user/{alice.pk}/history/"
    for language, sentence in (("en", "Made a link"), ("es", "Hizo un enlace")):
        page = admin_client.get(address, headers={"Accept-Language": language})
        assert sentence in page.content.decode()
