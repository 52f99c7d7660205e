"""The admin by its forms, as a browser sends them."""

import pytest

from accounts.models import Session, User
from accounts.request_origin import RequestOrigin
from accounts.sessions import open_bearer_session
from images.links import make_link
from images.models import Link, Picture
from tests.clients import Client
from tests.factories import PASSWORD, make_picture, make_tier, make_user, tier
from tests.pictures import jpeg
from thumbnails.models import Backfill, Thumbnail
from tiers.models import Tier

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore::ResourceWarning")]

TIER = {
    "name": "Poster", "link_min_seconds": 60, "link_max_seconds": 600,
    "max_upload_bytes": 5_000_000, "max_pixels": 20_000_000, "grants_original": "on",
    "quality": 80, "heights-TOTAL_FORMS": 2, "heights-INITIAL_FORMS": 0,
    "heights-0-height": 100, "heights-1-height": 1080,
}  # fmt: skip
LISTS = ["accounts/user", "accounts/session", "tiers/tier", "images/picture", "images/link",
         "thumbnails/thumbnail"]  # fmt: skip


def form_errors(response):
    form = response.context["adminform"].form
    formsets = [each.formset for each in response.context["inline_admin_formsets"]]
    return str(form.errors) + "".join(
        str(each.errors) + str(each.non_form_errors()) for each in formsets
    )


def test_staff_create_a_tier_with_its_heights(admin_client):
    response = admin_client.post("/admin/tiers/tier/add/", TIER)
    assert response.status_code == 302
    made = Tier.objects.get(name="Poster")
    assert [row.height for row in made.heights.all()] == [100, 1080]
    assert (made.grants_original, made.grants_links) == (True, False)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"heights-1-height": 4097}, "4096"),
        ({"heights-1-height": 0}, "1"),
        ({"heights-1-height": 100}, "duplicate"),
        ({"link_min_seconds": 601}, "shortest link must not exceed"),
        ({"name": "Basic"}, "already exists"),
        ({"max_upload_bytes": 1}, "1024"),
    ],
)
def test_an_invalid_tier_is_refused_with_a_reason(admin_client, change, reason):
    response = admin_client.post("/admin/tiers/tier/add/", {**TIER, **change})
    assert response.status_code == 200
    assert reason in form_errors(response)


def test_a_tier_in_use_cannot_be_deleted(admin_client, alice):
    address = f"/admin/tiers/tier/{alice.tier.pk}/delete/"
    assert b"protected" in admin_client.get(address).content
    admin_client.post(address, {"post": "yes"})
    assert Tier.objects.filter(pk=alice.tier.pk).exists()


def test_an_unused_tier_can_be_deleted(admin_client):
    unused = make_tier("Unused", [10])
    admin_client.post(f"/admin/tiers/tier/{unused.pk}/delete/", {"post": "yes"})
    assert not Tier.objects.filter(pk=unused.pk).exists()


def test_a_changed_height_starts_a_backfill_of_the_tiers_pictures(admin_client, alice):
    changed = alice.tier
    rows = list(changed.heights.all())
    form = {
        "name": changed.name, "link_min_seconds": 300, "link_max_seconds": 30000,
        "grants_original": "on", "grants_links": "on", "quality": 80,
        "max_upload_bytes": 5_000_000, "max_pixels": 20_000_000,
        "heights-TOTAL_FORMS": 2, "heights-INITIAL_FORMS": 2,
        "heights-0-id": rows[0].pk, "heights-0-tier": changed.pk, "heights-0-height": 250,
        "heights-1-id": rows[1].pk, "heights-1-tier": changed.pk, "heights-1-height": 400,
    }  # fmt: skip
    assert admin_client.post(f"/admin/tiers/tier/{changed.pk}/change/", form).status_code == 302
    assert Backfill.objects.get().tier == changed
    Backfill.objects.all().delete()
    form["heights-0-height"] = 250
    admin_client.post(f"/admin/tiers/tier/{changed.pk}/change/", form)
    assert not Backfill.objects.exists()
    form["quality"] = 60
    admin_client.post(f"/admin/tiers/tier/{changed.pk}/change/", form)
    assert Backfill.objects.get().tier == changed


@pytest.mark.parametrize("quality", [0, 19, 96, 100])
def test_a_quality_out_of_range_is_refused(admin_client, quality):
    response = admin_client.post("/admin/tiers/tier/add/", {**TIER, "quality": quality})
    assert "quality" in response.context["adminform"].form.errors


NEW_USER = {
    "username": "carol", "password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"
}  # fmt: skip


def test_staff_create_an_account_with_a_tier(admin_client):
    form = {**NEW_USER, "tier": tier("Premium").pk}
    assert admin_client.post("/admin/accounts/user/add/", form).status_code == 302
    assert User.objects.get(username="carol").tier.name == "Premium"


def test_a_new_account_gets_the_basic_tier_by_default(admin_client):
    page = admin_client.get("/admin/accounts/user/add/")
    assert page.context["adminform"].form.initial["tier"].name == "Basic"


@pytest.mark.parametrize("login", ["ALICE", "al", "a b", "a@b"])
def test_an_invalid_or_taken_login_is_refused_in_the_admin(admin_client, alice, login):
    form = {**NEW_USER, "username": login, "tier": tier("Basic").pk}
    assert admin_client.post("/admin/accounts/user/add/", form).status_code == 200
    assert User.objects.filter(username=login).count() == 0


def user_form(user, **changes):
    form = {"username": user.username, "name": "", "email": "", "tier": user.tier.pk}
    return {**form, "is_active": "on", **changes}


def test_another_tier_starts_a_backfill_of_the_accounts_pictures(admin_client, alice):
    form = user_form(alice, tier=tier("Basic").pk)
    address = f"/admin/accounts/user/{alice.pk}/change/"
    assert admin_client.post(address, form).status_code == 302
    assert Backfill.objects.get().owner == alice


def test_disabling_an_account_ends_its_sessions(admin_client, alice):
    open_bearer_session(alice, RequestOrigin())
    form = user_form(alice)
    del form["is_active"]
    admin_client.post(f"/admin/accounts/user/{alice.pk}/change/", form)
    assert not Session.objects.live().exists()
    assert Session.objects.get().ended_at


def test_a_password_set_by_staff_ends_every_session(admin_client, alice):
    open_bearer_session(alice, RequestOrigin())
    form = {
        "password1": "another good one",
        "password2": "another good one",
        "usable_password": "true",
    }
    response = admin_client.post(f"/admin/accounts/user/{alice.pk}/password/", form)
    assert response.status_code == 302
    alice.refresh_from_db()
    assert alice.check_password("another good one")
    assert Session.objects.get().ended_at


def run_action(client, path, action, rows):
    form = {"action": action, "_selected_action": [row.pk for row in rows]}
    response = client.post(f"/admin/{path}/", form, follow=True)
    return [str(message) for message in response.context["messages"]]


def test_an_action_ends_every_session_of_the_chosen_accounts(admin_client, alice, bob):
    for who in (alice, alice, bob):
        open_bearer_session(who, RequestOrigin())
    assert run_action(admin_client, "accounts/user", "end_every_session", [alice]) == [
        "2 sessions ended."
    ]
    assert [each.user for each in Session.objects.live()] == [bob]


def test_an_action_ends_the_chosen_sessions(admin_client, alice):
    open_bearer_session(alice, RequestOrigin(client_ip="192.0.2.7", user_agent="curl/8"))
    page = admin_client.get("/admin/accounts/session/").content.decode()
    assert "192.0.2.7" in page
    assert "curl/8" in page
    assert run_action(admin_client, "accounts/session", "end", Session.objects.all()) == [
        "1 sessions ended."
    ]
    assert not Session.objects.live().exists()


def test_an_action_revokes_the_chosen_links(admin_client, alice):
    make_link(maker=alice, picture=make_picture(alice), seconds=300)
    assert run_action(admin_client, "images/link", "revoke", Link.objects.all()) == [
        "1 links revoked."
    ]
    assert Link.objects.get().revoked_at


def test_an_action_renders_the_chosen_pictures_again(
    admin_client, alice, django_capture_on_commit_callbacks
):
    picture = make_picture(alice, jpeg(900, 600))
    Picture.objects.update(rendering="failed", render_attempts=3)
    with django_capture_on_commit_callbacks(execute=True):
        messages = run_action(admin_client, "images/picture", "render_again", [picture])
    assert messages == ["1 pictures will be rendered again."]
    assert Thumbnail.objects.count() == 2


def test_a_picture_is_shown_with_its_thumbnail_and_state(
    admin_client, alice, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        picture = make_picture(alice, jpeg(900, 600))
    page = admin_client.get("/admin/images/picture/").content.decode()
    smallest = picture.thumbnails.get(height=200)
    assert f'src="/images/{smallest.key}?' in page
    assert "Ready" in page
    assert admin_client.get(f"/admin/images/picture/{picture.pk}/change/").status_code == 200


def test_deleting_in_the_admin_removes_the_files(
    admin_client, alice, stored_keys, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        picture = make_picture(alice, jpeg(900, 600))
    with django_capture_on_commit_callbacks(execute=True):
        admin_client.post(f"/admin/images/picture/{picture.pk}/delete/", {"post": "yes"})
    assert stored_keys() == []


def test_deleting_an_account_removes_its_pictures_and_files(
    admin_client, alice, stored_keys, django_capture_on_commit_callbacks
):
    make_picture(alice)
    with django_capture_on_commit_callbacks(execute=True):
        admin_client.post(f"/admin/accounts/user/{alice.pk}/delete/", {"post": "yes"})
    assert not Picture.objects.exists()
    assert stored_keys() == []


@pytest.mark.parametrize("path", LISTS)
def test_a_list_needs_the_same_number_of_queries_however_long_it_is(
    admin_client, path, django_capture_on_commit_callbacks, django_assert_max_num_queries
):
    for name in ("ann", "ben", "cat", "dan"):
        owner = make_user(name, "Enterprise")
        open_bearer_session(owner, RequestOrigin())
        with django_capture_on_commit_callbacks(execute=True):
            picture = make_picture(owner, jpeg(30, 20))
        make_link(maker=owner, picture=picture, seconds=300)
    with django_assert_max_num_queries(8):
        assert admin_client.get(f"/admin/{path}/").status_code == 200


@pytest.mark.parametrize("path", LISTS)
def test_no_list_counts_its_whole_table(admin_client, alice, path, django_assert_max_num_queries):
    with django_assert_max_num_queries(10) as captured:
        admin_client.get(f"/admin/{path}/")
    counts = [q["sql"] for q in captured.captured_queries if "COUNT(" in q["sql"]]
    assert counts
    assert all("LIMIT 10000" in sql for sql in counts), counts


@pytest.mark.parametrize("path", LISTS)
def test_every_list_can_be_searched(admin_client, alice, path):
    address = f"/admin/{path}/?q=ali"
    assert admin_client.get(address).status_code == 200


def test_too_many_wrong_passwords_at_the_admin_are_429():
    make_user("root", is_staff=True)
    client = Client()
    form = {"username": "root", "password": "wrong"}
    answers = [client.post("/admin/login/", form) for _ in range(6)]
    assert [each.status_code for each in answers] == [200] * 5 + [429]
    assert int(answers[-1]["Retry-After"]) > 0


def test_an_account_that_is_not_staff_cannot_open_the_admin(alice):
    client = Client()
    client.force_login(alice)
    assert client.get("/admin/").status_code == 302
