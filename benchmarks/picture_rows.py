"""Pictures with two thumbnails each, written by SQL alone."""

# Each picture is one of a series' numbers; {account} is its account's number, {owner} its owner.
_PICTURES = """
with numbers as (
    select n, {account} as account from generate_series(%(first)s, %(last)s) n
), named as (
    select n, {owner} as owner, md5(%(series)s || n)::uuid as uid from numbers
), made as (
    insert into images_picture (uid, owner_id, visibility, description, name, is_active, created_at,
        updated_at, key, clean_key, format, width, height, frames, bytes, sha256, rendering,
        render_revision, render_ask_at, render_failure, thumbhash, dominant_color)
    select uid, owner, 'public', 'Picture ' || n, 'IMG_' || n || '.jpg', false,
        %(begin)s + n * %(apart)s, %(begin)s,
        'users/' || owner || '/' || uid || '.jpg', 'users/' || owner || '/' || uid || '.jpg',
        'JPEG', 1600, 1200, 1, 300000, md5('a' || n) || md5('b' || n), 'ready', 0, %(begin)s, '',
        '1QcSHQRnh493V4dIh4eXh1h4kJUI', '#807f7e'
    from named
    returning id, owner_id, uid, created_at
)
insert into thumbnails_thumbnail (picture_id, owner_id, height, width_px, height_px, key,
    content_type, bytes, quality, is_stale, created_at)
select id, owner_id, px, px * 4 / 3, px,
    'users/' || owner_id || '/' || uid || '_' || px || '_0000abcd.jpg', 'image/jpeg', 20000, 80,
    false, created_at
from made, (values (200), (400)) as heights (px)
"""


def pictures_of(*, account: str, owner: str) -> str:
    """Return the statement for a range of numbers; both are SQL, of `n` and of `account`."""
    return _PICTURES.format(account=account, owner=owner)
