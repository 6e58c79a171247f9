"""Row S12: Argon2id with today's parameters, in bounded threads."""

import asyncio
from collections.abc import Iterator

import pytest

from auth.errors import HashingBusy
from auth.passwords import PasswordHashing

pytestmark = pytest.mark.asyncio


@pytest.fixture
def hashing() -> Iterator[PasswordHashing]:
    made = PasswordHashing(memory_kib=1024, iterations=1, threads=1, queue=2)
    yield made
    made.close()


@pytest.fixture
def stronger() -> Iterator[PasswordHashing]:
    made = PasswordHashing(memory_kib=2048, iterations=1, threads=1, queue=2)
    yield made
    made.close()


async def test_parameters_are_stored_with_the_hash(hashing: PasswordHashing) -> None:
    hashed = await hashing.hash("violet kettle")
    assert hashed.startswith("$argon2id$v=19$m=1024,t=1,p=1$")
    assert hashed != await hashing.hash("violet kettle")


async def test_only_the_right_password_is_right(hashing: PasswordHashing) -> None:
    hashed = await hashing.hash("violet kettle")
    assert await hashing.verify(hashed, "violet kettle") == (True, False)
    assert await hashing.verify(hashed, "Violet kettle") == (False, False)


async def test_nobody_has_no_password(hashing: PasswordHashing) -> None:
    nobodys = "the password of nobody at all"
    assert await hashing.verify(None, nobodys) == (False, False)


async def test_what_is_no_hash_matches_nothing(hashing: PasswordHashing) -> None:
    assert await hashing.verify("plain text", "plain text") == (False, False)


async def test_hash_of_weaker_parameters_is_recognised(
    hashing: PasswordHashing, stronger: PasswordHashing
) -> None:
    hashed = await hashing.hash("violet kettle")
    assert await stronger.verify(hashed, "violet kettle") == (True, True)
    assert await stronger.verify(hashed, "wrong") == (False, False)


async def test_what_does_not_fit_the_queue_is_refused(hashing: PasswordHashing) -> None:
    answers = await asyncio.gather(
        *(hashing.hash("violet kettle") for _ in range(10)), return_exceptions=True
    )
    refused = [one for one in answers if isinstance(one, HashingBusy)]
    assert len(refused) == 7
    assert refused[0].retry_after == 1.0
    assert await hashing.hash("there is room again")
