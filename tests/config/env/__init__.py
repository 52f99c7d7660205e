"""Tests of `config.env`."""
