"""Tests of `tiers`."""
