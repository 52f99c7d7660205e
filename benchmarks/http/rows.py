"""Accounts, pictures, thumbnails and links by the million: SQL alone, the same each time.

One account, the collector, owns every second picture: page 5,000 of a million exists. The others
share the rest unevenly, so that the first hundreds of them fill a page of 100.
"""

from datetime import timedelta
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import connection
from django.utils import timezone
from tqdm import tqdm

from benchmarks.picture_rows import pictures_of
from tiers.models import Tier

PASSWORD = "correct horse battery"  # noqa: S105 (of accounts that nobody has)
_BATCH = 20_000

_ACCOUNTS = """
insert into accounts_user (id, username, username_key, name, email, password, tier_id,
    is_active, is_staff, is_superuser, date_joined)
select md5('account' || n)::uuid, 'account-' || n, 'account-' || n, 'Account ' || n, '',
    %(password)s, %(tier)s, true, false, false, now() - n * interval '1 minute'
from generate_series(0, %(count)s - 1) n
"""
_SESSIONS = """
insert into accounts_session (id, user_id, scheme, created_at, last_used_at, expires_at, agent,
    refresh_jti, replaced_jti)
select md5('session' || n)::uuid, md5('account' || n)::uuid, 'bearer', now(), now(),
    now() + interval '30 days', '', '', ''
from generate_series(0, %(count)s - 1) n
"""
_PICTURES = pictures_of(
    account="""case when n %% 2 = 0 then 0
        else 1 + floor(power(random(), 2) * (%(accounts)s - 1))::int end""",
    owner="md5('account' || account)::uuid",
)
_LINKS = """
insert into images_link (picture_id, owner_id, maker_id, created_at, expires_at, opened)
select id, owner_id, owner_id, now(), now() + interval '1 hour', 0 from images_picture
where id %% 10 = 0
"""
_ACTIVE = """
update images_picture set is_active = true where id in (
    select distinct on (owner_id) id from images_picture
    order by owner_id, created_at desc, id desc
)
"""


_APART = timedelta(seconds=20)


def fill(pictures: int, accounts: int) -> None:
    """Write everything, with a progress bar."""
    tier = Tier.objects.get(name="Enterprise")
    _run(_ACCOUNTS, count=accounts, tier=tier.pk, password=make_password(PASSWORD))
    _run(_SESSIONS, count=accounts)
    _write_pictures(pictures, accounts)
    for statement in (_ACTIVE, _LINKS, "vacuum analyze"):
        _run(statement)


def _write_pictures(pictures: int, accounts: int) -> None:
    _run("select setseed(0.42)")
    begin = timezone.now() - pictures * _APART
    with tqdm(total=pictures, desc="pictures", unit_scale=True) as bar:
        for first in range(0, pictures, _BATCH):
            last = min(first + _BATCH, pictures) - 1
            of_all = {"series": "picture", "accounts": accounts, "begin": begin, "apart": _APART}
            _run(_PICTURES, first=first, last=last, **of_all)
            bar.update(last - first + 1)


def _run(statement: str, **values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def size() -> str:
    """Say how large the database is, and how much of it is indexes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select sum(pg_table_size(oid)), sum(pg_indexes_size(oid)) from pg_class"
            " where relkind = 'r' and relnamespace = 'public'::regnamespace"
        )
        tables, indexes = cursor.fetchone()
    return f"{tables / 1_000_000:.0f} MB of tables, {indexes / 1_000_000:.0f} MB of indexes"
