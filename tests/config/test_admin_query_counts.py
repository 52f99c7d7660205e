"""Every page of the admin, with how many queries it takes, however much there is."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Invitation, User
from accounts.request_origin import RequestOrigin
from accounts.sessions import open_bearer_session
from images.links import make_link
from plans.proposals import propose_change, save_for_later
from tests.clients import Client
from tests.factories import make_tier, make_user
from tests.rows import make_row, make_thumbnail_row
from tiers.models import Tier

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore::ResourceWarning")]
# By model and page; what is not here is for nobody.
QUERIES = {
    "roles": 5,
    "second_factor": 3,
    "password_change": 2,
    "accounts_invitation changelist": 5,
    "accounts_invitation add": 4,
    "accounts_invitation change": 5,
    "accounts_invitation history": 5,
    "accounts_securityevent changelist": 4,
    "accounts_securityevent change": 3,
    "accounts_securityevent history": 4,
    "accounts_session changelist": 5,
    "accounts_session change": 4,
    "accounts_session history": 4,
    "accounts_user changelist": 6,
    "accounts_user add": 4,
    "accounts_user change": 20,
    "accounts_user history": 4,
    "accounts_user delete": 4,
    "auth_group changelist": 4,
    "auth_group add": 3,
    "auth_group change": 5,
    "auth_group history": 4,
    "auth_group delete": 5,
    "images_link changelist": 5,
    "images_link change": 5,
    "images_link history": 4,
    "images_link delete": 3,
    "images_picture changelist": 7,
    "images_picture change": 6,
    "images_picture history": 5,
    "images_picture delete": 8,
    "plans_tierplan changelist": 4,
    "plans_tierplan change": 6,
    "plans_tierplan history": 4,
    "thumbnails_thumbnail changelist": 5,
    "thumbnails_thumbnail change": 4,
    "thumbnails_thumbnail history": 4,
    "thumbnails_thumbnail delete": 3,
    "tiers_tier changelist": 5,
    "tiers_tier add": 2,
    "tiers_tier change": 5,
    "tiers_tier history": 5,
    "tiers_tier delete": 6,
}


def fill(tier: Tier, staff: User, names: Iterator[str], count: int) -> None:
    """Make so many accounts, and of everything else as many that belong to them."""
    for _, name in zip(range(count), names, strict=False):
        owner = make_user(name, tier.name)
        open_bearer_session(owner, RequestOrigin(client_ip="192.0.2.7", user_agent="curl/8"))
        picture = make_row(owner)
        make_thumbnail_row(picture)
        make_link(maker=owner, picture=picture, seconds=300)
        Invitation.objects.create(tier=tier, maker=staff)
        Group.objects.create(name=f"Role {name}")
        plan = propose_change(tier=tier, values={"max_pictures": len(name)}, by=staff)
        save_for_later(plan, by=staff)


def pages() -> Iterator[tuple[str, str]]:
    """Yield the name and the address of each page that the admin has."""
    # The first page is in `tests/staff/test_home.py`: what it asks of other parts varies.
    for name in ("roles", "second_factor", "password_change"):
        yield name, reverse(f"admin:{name}")
    for model in sorted(admin.site._registry, key=lambda each: each._meta.label):
        label = f"{model._meta.app_label}_{model._meta.model_name}"
        # An account that has everything; the ids of accounts have no order.
        rows = User.objects.filter(pictures__isnull=False) if model is User else None
        newest = (rows or model._default_manager.all()).order_by("pk").last()
        yield f"{label} changelist", reverse(f"admin:{label}_changelist")
        yield f"{label} add", reverse(f"admin:{label}_add")
        assert newest is not None, label
        for kind in ("change", "history", "delete"):
            yield f"{label} {kind}", reverse(f"admin:{label}_{kind}", args=[quote(str(newest.pk))])


def count_queries(client: Client) -> dict[str, int]:
    """Return how many queries each page takes that is for whoever asks."""
    found = {}
    for name, address in pages():
        with CaptureQueriesContext(connection) as captured:
            response = client.get(address)
        if response.status_code != 403:
            assert response.status_code == 200, (address, response.status_code)
            found[name] = len(captured)
    return found


@pytest.mark.unhurried
def test_every_page_takes_as_many_queries_as_is_said_however_much_there_is(
    admin_client: Client, staff: User
) -> None:
    tier = make_tier("Poster", grants_links=True, grants_original=True)
    # None that looks like another: that is asked of names with 0 and 1.
    names = iter(f"account-{number}" for number in range(2, 10))
    fill(tier, staff, names, 2)
    # First looks would find out what kinds of rows there are, and make a secret: both are kept.
    ContentType.objects.get_for_models(*apps.get_models())
    admin_client.get(reverse("admin:second_factor"))
    few = count_queries(admin_client)
    assert few == QUERIES
    fill(tier, staff, names, 6)
    assert count_queries(admin_client) == few
