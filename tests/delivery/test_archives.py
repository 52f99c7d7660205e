"""Archives: valid, of constant memory, with names that no two share."""

import io
import tracemalloc
import uuid
import zipfile
from collections.abc import Iterable, Iterator

import pytest
from django.core.cache import cache as shared_cache
from pytest_django import Settings
from redis.exceptions import ConnectionError as RedisAway

from delivery import archive_slots
from delivery.archive_slots import ArchiveSlot
from delivery.archives import Member, UniqueNames, archive_response, file_member, write_archive
from images.exceptions import ArchiveBusy


@pytest.fixture(autouse=True)
def eight_threads(settings: Settings) -> Iterator[None]:
    settings.HTTP_THREADS = 8
    archive_slots._threads.cache_clear()
    yield
    archive_slots._threads.cache_clear()


def unzip(chunks: Iterable[bytes]) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(b"".join(chunks))) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_an_archive_holds_its_members_in_order() -> None:
    file = io.BytesIO(b"p" * 200_000)
    members = [Member("a.json", b"{}"), file_member("sueño 🏔.jpg", file), Member("b", [b"x", b"y"])]
    assert unzip(write_archive(members)) == {
        "a.json": b"{}",
        "sueño 🏔.jpg": b"p" * 200_000,
        "b": b"xy",
    }
    assert file.closed


def test_an_archive_without_members_is_one() -> None:
    assert unzip(write_archive([])) == {}


def test_members_are_asked_for_one_after_the_other() -> None:
    asked = []

    def members() -> Iterator[Member]:
        for number in range(3):
            asked.append(number)
            yield Member(str(number), b"x")

    next(write_archive(members()))
    assert asked == [0]


@pytest.mark.unhurried
def test_memory_is_the_same_for_many_members() -> None:
    # The library's own list has 6 MB by then, and what stands at the end 2.5 MB: each time, while
    # a thread that another test has left takes memory at one time or another.
    assert any(peak_of_many_members() < 2 * 1024**2 for _ in range(3))


def peak_of_many_members() -> int:
    names = UniqueNames()
    members = (Member(names.claim(f"{n:0200}.jpg", n), b"x") for n in range(10_000))
    tracemalloc.start()
    for _ in write_archive(members):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


@pytest.mark.unhurried
def test_more_members_than_a_plain_archive_may_have_are_all_there() -> None:
    members = (Member(str(n), b"") for n in range(70_000))
    with zipfile.ZipFile(io.BytesIO(b"".join(write_archive(members)))) as archive:
        assert len(archive.namelist()) == 70_000


def test_names_are_made_unique_whatever_their_case_and_form() -> None:
    names = UniqueNames()
    assert names.claim("hill.jpg", 7) == "hill.jpg"
    assert names.claim("HILL.jpg", 8) == "HILL (8).jpg"
    assert names.claim("hill (8).jpg", 9) == "hill (8) (9).jpg"
    assert names.claim("hill.jpg", 8) == "hill (9).jpg"
    assert names.claim("cafe\u0301", 1) == "cafe\u0301"
    assert names.claim("caf\u00e9", 2) == "caf\u00e9 (2)"
    assert names.claim(".x", 3) == ".x"
    assert names.claim(".x", 4) == ".x (4)"


def test_few_names_get_a_number_without_need() -> None:
    names = UniqueNames()
    assert sum(names.claim(f"{n}.jpg", n) != f"{n}.jpg" for n in range(20_000)) == 0


@pytest.mark.django_db
def test_an_account_gets_one_archive_at_a_time_and_the_next_when_it_was_closed() -> None:
    owner = uuid.uuid4()
    response = archive_response("GET", owner, "a.zip", lambda: iter([Member("a", b"x")]))
    assert response["X-Accel-Buffering"] == "no"
    with pytest.raises(ArchiveBusy):
        ArchiveSlot(owner)
    assert unzip(response) == {"a": b"x"}
    with pytest.raises(ArchiveBusy):
        ArchiveSlot(owner)
    response.close()
    response.close()
    ArchiveSlot(owner).release()


@pytest.mark.django_db
def test_a_response_that_is_closed_before_its_first_byte_gives_its_slot_back() -> None:
    owner = uuid.uuid4()
    archive_response("GET", owner, "a.zip", lambda: iter(())).close()
    ArchiveSlot(owner).release()


def test_an_error_before_the_first_byte_is_raised_and_gives_the_slot_back() -> None:
    owner = uuid.uuid4()

    def members() -> Iterator[Member]:
        raise OSError("away")

    with pytest.raises(OSError, match="away"):
        archive_response("GET", owner, "a.zip", members)
    ArchiveSlot(owner).release()


def test_archives_take_a_quarter_of_the_threads() -> None:
    slots = [ArchiveSlot(uuid.uuid4()) for _ in range(2)]
    with pytest.raises(ArchiveBusy):
        ArchiveSlot(uuid.uuid4())
    slots[0].release()
    slots[0].release()
    slots.append(ArchiveSlot(uuid.uuid4()))
    with pytest.raises(ArchiveBusy):
        ArchiveSlot(uuid.uuid4())
    for slot in slots:
        slot.release()


def test_a_refused_archive_takes_no_thread() -> None:
    owner = uuid.uuid4()
    slot = ArchiveSlot(owner)
    for _ in range(3):
        with pytest.raises(ArchiveBusy):
            ArchiveSlot(owner)
    ArchiveSlot(uuid.uuid4()).release()
    slot.release()


def test_a_renewal_leaves_a_slot_that_another_archive_took_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    owner = uuid.uuid4()
    monkeypatch.setattr(archive_slots, "_RENEW_SECONDS", 0)
    slot, key = ArchiveSlot(owner), f"archive:{owner}"
    # It ran out, and was taken, right after it was read.
    shared_cache.set(key, "another process's")
    with monkeypatch.context() as moment:
        moment.setattr(shared_cache, "get", lambda key: slot._token)
        slot.renew()
    slot.release()
    assert shared_cache.get(key) == "another process's"


def test_a_slot_is_kept_while_it_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    owner = uuid.uuid4()
    monkeypatch.setattr(archive_slots, "LEASE_SECONDS", 1)
    monkeypatch.setattr(archive_slots, "_RENEW_SECONDS", 0)
    slot = ArchiveSlot(owner)
    key = f"archive:{owner}"
    shared_cache.delete(key)
    slot.renew()
    assert shared_cache.get(key) is not None
    shared_cache.set(key, "another process's")
    slot.renew()
    slot.release()
    assert shared_cache.get(key) == "another process's"
    shared_cache.delete(key)


def test_without_redis_archives_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: object, **kwargs: object) -> None:
        raise RedisAway

    monkeypatch.setattr(archive_slots, "_RENEW_SECONDS", 0)
    slot = ArchiveSlot(uuid.uuid4())
    for name in ("add", "get", "set", "touch", "delete"):
        monkeypatch.setattr(shared_cache, name, away)
    slot.renew()
    slot.release()
    ArchiveSlot(uuid.uuid4()).release()


def test_head_sends_nothing_and_takes_no_slot() -> None:
    owner = uuid.uuid4()
    slot = ArchiveSlot(owner)
    response = archive_response("HEAD", owner, "a.zip", lambda: iter(()))
    assert response["Content-Type"] == "application/zip"
    assert response.streaming, "its length would be taken for the archive's"
    slot.release()
