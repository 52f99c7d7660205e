"""Tests of `config.doctor`."""
