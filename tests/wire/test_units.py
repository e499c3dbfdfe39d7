"""Quantities as people write them."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.wire import units


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("200ms", 0.2),
        ("1.5s", 1.5),
        ("1m", 60),
        ("0", 0),
        ("0.25", 0.25),
        (" 3 S ", 3),
        ("1h", 3600),
        (2, 2),
        (0.5, 0.5),
    ],
)
def test_durations(text: object, seconds: float) -> None:
    assert units.seconds(text) == seconds


@pytest.mark.parametrize(("text", "size"), [("512", 512), ("64KB", 65536), ("1.5kb", 1536), ("1MiB", 1 << 20), (7, 7)])
def test_sizes(text: object, size: int) -> None:
    assert units.size(text) == size


@pytest.mark.parametrize(
    ("read", "bad"),
    [
        (units.seconds, "-1s"), (units.seconds, "1 fortnight"), (units.seconds, ""), (units.seconds, "1e3"),
        (units.seconds, "61m"), (units.seconds, float("nan")), (units.seconds, True), (units.seconds, None),
        (units.size, "0.5"), (units.size, "2000MB"), (units.size, -1), (units.size, 1.5),
        (units.count, "3.0"), (units.count, "-1"), (units.count, "٣"), (units.count, "9" * 5000), (units.count, False),
        (units.number, "x"), (units.number, "inf"), (units.number, True), (units.number, 10**400),
        (units.flag, "perhaps"), (units.flag, 2), (units.text, 5),
    ],
)  # fmt: skip
def test_what_is_no_quantity_is_refused_and_never_clamped(read: Callable[[object], object], bad: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        read(bad)


@given(st.integers(0, 3_600_000))
def test_milliseconds_are_exact_to_the_microsecond(ms: int) -> None:
    assert abs(units.seconds(f"{ms}ms") - ms / 1000) < 1e-6


@given(st.text(), st.sampled_from([units.seconds, units.size, units.count, units.number, units.flag]))
def test_any_text_is_read_or_refused(text: str, read: Callable[[object], object]) -> None:
    with suppress(ValueError):
        read(text)
