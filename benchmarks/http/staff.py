"""The admin's pages, as a superuser sees them, straight from the web process."""

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore

from accounts.models import User
from benchmarks.http.people import Person
from benchmarks.http.requests import Request
from benchmarks.http.scenarios import Scenario
from benchmarks.http.servers import Servers
from plans.proposals import propose_change
from staff.counting import count_if_due
from tiers.services import HEIGHTS
from upkeep.ledger import compare_ledger

# By the name of its row; {account} is one of many, {rich} owns every second picture.
PAGES = {
    "admin, first page": "/admin/",
    "admin, pictures": "/admin/images/picture/",
    "admin, pictures of a login": "/admin/images/picture/?owner={account}",
    "admin, pictures of a rare format": "/admin/images/picture/?format__exact=GIF",
    "admin, pictures of a state": "/admin/images/picture/?rendering__exact=failed",
    "admin, pictures of a day": "/admin/images/picture/?created_at__year={year}"
    "&created_at__month={month}&created_at__day={day}",
    "admin, search of pictures": "/admin/images/picture/?q=account-1",
    "admin, accounts": "/admin/accounts/user/",
    "admin, accounts by what they store": "/admin/accounts/user/?o=-7",
    "admin, links": "/admin/images/link/",
    "admin, an account": "/admin/accounts/user/{rich}/change/",
    "admin, a plan": "/admin/plans/tierplan/{plan}/change/",
}


def pages_of_staff(servers: Servers, everyone: list[Person], rich: Person) -> list[Scenario]:
    """Return a scenario for each page, one caller at a time."""
    # SQL alone wrote the rows: the ledger is counted anew, and the day from it.
    for _ in compare_ledger(fix=True):
        pass
    count_if_due()
    newest = rich.user.pictures.latest("created_at").created_at
    values = {
        "plan": propose_change(tier=rich.user.tier, values={HEIGHTS: [250]}, by=None).pk,
        "account": everyone[0].user.username, "rich": rich.user.pk,
        "year": newest.year, "month": newest.month, "day": newest.day,
    }  # fmt: skip
    cookie = f"{settings.SESSION_COOKIE_NAME}={_sign_in()}"
    web = servers.web
    return [
        Scenario(
            name, [Request(path.format(**values), cookie=cookie)], web.port, web, connections=1
        )
        for name, path in PAGES.items()
    ]


def _sign_in() -> str:
    """Return the key of a session of the admin."""
    root = User.objects.create_superuser("bench-root")
    session = SessionStore()
    session[SESSION_KEY] = str(root.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = root.get_session_auth_hash()
    session.create()
    return str(session.session_key)
