"""Tests of `api.restful_api`."""
