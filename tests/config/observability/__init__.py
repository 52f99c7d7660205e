"""Tests of `config.observability`."""
