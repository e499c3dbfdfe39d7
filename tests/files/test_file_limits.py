"""An upload is refused for its purpose, its size, and what is there already."""

from collections.abc import Callable
from typing import Any

import pytest

from mockserver.errors import ApiError
from mockserver.files.limits import FileLimits, check_file, check_room

SMALL = FileLimits(
    max_files=2,
    max_total_bytes=100,
    max_file_bytes=30,
    max_image_bytes=20,
    max_batch_bytes=50,
    max_tuning_bytes=40,
)


def refusal(check: Callable[..., None], **given: Any) -> str | None:
    try:
        check(SMALL, **given)
    except ApiError as error:
        return error.entry.name
    return None


@pytest.mark.parametrize(
    ("purpose", "name", "largest"),
    [
        ("file-extract", "a.txt", 30),
        ("file-extract", "a.PNG", 20),
        ("file-extract", "a.jpeg", 20),
        ("batch", "a.jsonl", 50),
        ("batch", "a.png", 50),
        ("fine-tune", "a.jsonl", 40),
    ],
)
def test_a_file_may_be_as_large_as_its_purpose_allows(purpose: str, name: str, largest: int) -> None:
    given = {"purpose": purpose, "filename": name, "profile": "2026"}
    assert refusal(check_file, size=largest, **given) is None
    assert refusal(check_file, size=largest + 1, **given) == "BadRequest.TooLarge"


@pytest.mark.parametrize(
    ("purpose", "profile", "known"),
    [
        ("file-extract", "2024", True),
        ("batch", "2024", True),
        ("fine-tune", "2024", False),
        ("fine-tune", "2026", True),
        ("", "2026", False),
        ("assistants", "2026", False),
    ],
)
def test_a_purpose_must_be_one_of_its_time(purpose: str, profile: str, known: bool) -> None:
    expected = None if known else "InvalidParameter/file-purpose"
    assert refusal(check_file, purpose=purpose, filename="a", size=0, profile=profile) == expected


@pytest.mark.parametrize(
    ("dialect", "count", "total", "expected"),
    [
        ("compatible", 1, 90, None),
        ("compatible", 2, 0, "InvalidParameter/upload-number"),
        ("native", 2, 0, "BadRequest.TooMany"),
        ("compatible", 1, 91, "InvalidParameter/upload-capacity"),
        ("native", 1, 91, "InvalidParameter/upload-capacity"),
    ],
)
def test_a_session_has_room_for_so_much(dialect: str, count: int, total: int, expected: str | None) -> None:
    assert refusal(check_room, size=10, count=count, total=total, dialect=dialect) == expected


def test_the_native_refusal_says_how_many_there_are() -> None:
    with pytest.raises(ApiError) as refused:
        check_room(SMALL, size=1, count=2, total=2, dialect="native")
    assert refused.value.params == {"used": 2, "limit": 2}


def test_the_documented_limits() -> None:
    limits = FileLimits()
    assert limits.largest("file-extract", "a.txt") == 150 * 1024**2
    assert limits.largest("file-extract", "a.gif") == 20 * 1024**2
    assert limits.largest("batch", "a.jsonl") == 500 * 1024**2
    assert (limits.max_files, limits.max_total_bytes) == (10_000, 100 * 1024**3)
