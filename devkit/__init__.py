"""What stands behind `./dev`: the environment, the local run, the test command, the checks.

Everything that runs before `.venv` exists needs the standard library alone. Nothing of the service
imports this package.
"""
