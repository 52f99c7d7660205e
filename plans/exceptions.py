"""Why a plan is not made or applied; `message` is for people."""

from django.core.exceptions import ValidationError


class PlanRefused(ValidationError):
    """A plan that cannot be made, applied, paused, resumed or cancelled as it is."""


class PlanStale(PlanRefused):
    """A plan of a tier that changed since; another plan has to be made."""
