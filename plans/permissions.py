"""Who may plan: whoever may do the same without a plan."""

from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.models import User
from accounts.permissions import staff_may
from plans.models import TierPlan

_ASKED = {
    TierPlan.Kind.CHANGE: "tiers.change_tier",
    TierPlan.Kind.MOVE: "accounts.change_user",
    TierPlan.Kind.DELETE: "tiers.delete_tier",
}


def may_plan(user: object, kind: str) -> bool:
    """Return whether somebody may see, make and apply plans of a kind."""
    return isinstance(user, User) and staff_may(user, _ASKED[TierPlan.Kind(kind)])


def kinds_of(request: HttpRequest) -> list[str]:
    """Return the kinds of plans that are for whoever asks."""
    return kinds_for(request.user)


def kinds_for(user: object) -> list[str]:
    """Return the kinds of plans that somebody sees."""
    return [kind for kind in TierPlan.Kind if may_plan(user, kind)]


def plans_for(request: HttpRequest) -> QuerySet[TierPlan]:
    return TierPlan.objects.filter(kind__in=kinds_of(request))
