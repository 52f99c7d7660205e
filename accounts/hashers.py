"""Argon2 at the second setting of OWASP's password storage cheat sheet."""

from django.contrib.auth.hashers import Argon2PasswordHasher

from accounts.hashing_queue import hashing_turn


class OwaspArgon2Hasher(Argon2PasswordHasher):
    """19 MiB, two passes, one lane: about a tenth of what Django's default costs a sign-in.

    Each hash waits for its turn; raise HashingBusy where that takes too long.
    """

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        with hashing_turn():
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        with hashing_turn():
            return super().verify(password, encoded)
