"""Logins that may be taken for another account's: letters of several scripts, and look-alikes.

After Unicode's UTS 39. Its whole table of confusable characters is in no library that is kept, so
here are the letters that pass for ASCII ones in the scripts that people write by; whoever imitates
a login of other scripts is marked where he mixes them.
"""

import unicodedata
from collections.abc import Collection, Iterable
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import User
from accounts.names import login_key

# Letters as they are shown: capitals of other scripts pass for Latin ones whose small ones do not.
_PAIRS = (
    # Cyrillic
    ("АВЕЅІЈКМНОРСТУХԚԜѴ", "ABESIJKMHOPCTYXQWV"),
    ("аеѕіјорсухԛԝѵһԁӏгпкмт", "aesijopcyxqwvhdlrnkmt"),
    # Greek
    ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX"), ("αεγηικνορτυχω", "aeynikvoptuxw"),
    # Armenian, and Latin letters of other alphabets
    ("օսոհցզ", "ouuhgq"), ("ıɑɡǀ", "iagl"),
    # Digits, and a capital that looks like a small letter
    ("01I", "oll"),
)  # fmt: skip
_TABLE = str.maketrans("".join(a for a, _b in _PAIRS), "".join(b for _a, b in _PAIRS))
_LIGATURES = (("rn", "m"), ("vv", "w"))
# What is written together (UTS 39, "highly restrictive"): Latin is always allowed beside these.
_TOGETHER = ({"CJK", "HIRAGANA", "KATAKANA"}, {"CJK", "BOPOMOFO"}, {"CJK", "HANGUL"})


def to_skeleton(login: str) -> str:
    """Return the key of the login that a login looks like; its own where it looks like none."""
    shown = login.translate(_TABLE)
    for pair, letter in _LIGATURES:
        shown = shown.replace(pair, letter)
    return login_key(shown)


def mixes_scripts(text: str) -> bool:
    """Tell whether a text has letters of scripts that nobody writes together."""
    scripts = {_script_of(each) for each in text if each.isalpha()} - {""}
    if len(scripts) < 2:
        return False
    return not any(scripts - {"LATIN"} <= group for group in _TOGETHER)


def _script_of(letter: str) -> str:
    # The first word of a letter's name is its script, but for marks and the like of all scripts.
    word = unicodedata.name(letter, "").partition(" ")[0]
    return "" if word in {"MODIFIER", "FEMININE", "MASCULINE", "FULLWIDTH", "MICRO"} else word


def find_marks(users: Iterable[User]) -> dict[Any, str]:
    """Return, by their keys, what is to be said of accounts whose names may deceive; one query."""
    every = list(users)
    skeletons = {each.pk: to_skeleton(each.username) for each in every}
    imitated = _find_logins(
        {skeletons[each.pk] for each in every if skeletons[each.pk] != each.username_key}
    )
    marks = {}
    for each in every:
        login = imitated.get(skeletons[each.pk])
        if login is not None and login != each.username:
            marks[each.pk] = _("looks like %s") % login
        elif mixes_scripts(each.username) or mixes_scripts(each.name):
            marks[each.pk] = _("letters of several scripts")
    return marks


def _find_logins(keys: Collection[str]) -> dict[str, str]:
    if not keys:
        return {}
    found = User.objects.filter(username_key__in=keys)
    return dict(found.values_list("username_key", "username"))
