from django.contrib.auth.hashers import get_hasher

from accounts.hashers import OwaspArgon2Hasher


def test_the_hasher_has_the_second_setting_of_owasp() -> None:
    encoded = OwaspArgon2Hasher().encode("secret", "saltsaltsalt")
    assert encoded.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert get_hasher("default").algorithm == "md5"  # the suite's own cheap one, on purpose
