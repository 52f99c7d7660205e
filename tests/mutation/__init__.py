"""Mutation tests: a module changed in one place at a time, to see whether its tests notice.

`./dev mutate` runs them; no test of the suite does.
"""
