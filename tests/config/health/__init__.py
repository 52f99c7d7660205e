"""Tests of `config.health`."""
