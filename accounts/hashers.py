"""Argon2 at the second setting of OWASP's password storage cheat sheet."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class OwaspArgon2Hasher(Argon2PasswordHasher):
    """19 MiB, two passes, one lane: about a tenth of what Django's default costs a sign-in."""

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1
