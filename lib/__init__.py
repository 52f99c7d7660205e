"""Small tools that know nothing of this project: they import Django, and nothing of ours."""
