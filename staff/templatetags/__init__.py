"""Filters of the templates of this package."""
