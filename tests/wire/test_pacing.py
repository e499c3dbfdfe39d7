"""Pacing: an absolute schedule, and names for the usual ones."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver import resources
from mockserver.wire.pacing import Pacing, named, offsets, profiles, schedule

times = st.floats(0, 100)


def rng(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - chance that can be replayed


@given(times, times, times, st.integers(0, 200), st.integers())
def test_a_frame_is_never_further_from_its_time_than_the_jitter(
    ttft: float, itl: float, jitter: float, n: int, seed: int
) -> None:
    found = schedule(Pacing(ttft, itl, jitter), n, rng(seed))
    assert len(found) == n
    for k, offset in enumerate(found):
        assert abs(offset - (ttft + k * itl)) <= jitter * (1 + 1e-9) + 1e-9


@given(times, times, times, st.integers())
def test_time_never_goes_back(ttft: float, itl: float, jitter: float, seed: int) -> None:
    found = schedule(Pacing(ttft, itl, jitter), 100, rng(seed))
    assert list(found) == sorted(found)
    assert found[0] >= 0


def test_without_jitter_the_times_are_exact_and_do_not_drift() -> None:
    found = schedule(Pacing(ttft=1, itl=0.1), 10_001, rng(0))
    assert found[0] == 1
    assert math.isclose(found[-1], 1001)


def test_the_same_seed_gives_the_same_times() -> None:
    pacing = Pacing(itl=0.1, jitter=0.05)
    first, again, other = (schedule(pacing, 50, rng(seed)) for seed in (1, 1, 2))
    assert first == again != other


def test_offsets_have_no_end() -> None:
    unending = offsets(Pacing(itl=1), rng(0))
    assert [next(unending) for _ in range(3)] == [0, 1, 2]


@pytest.mark.parametrize("bad", [-0.1, math.inf, math.nan, 3601, "200ms", None, True])
def test_a_time_that_is_none_is_refused_by_name(bad: float) -> None:
    with pytest.raises(ValueError, match="itl: "):
        Pacing(itl=bad)


@pytest.mark.parametrize("bad", [0, -1, 1.5])
def test_a_chunk_holds_at_least_one_token(bad: int) -> None:
    with pytest.raises(ValueError, match=r"chunk|whole number"):
        Pacing(tokens_per_chunk=bad)


def test_every_named_pacing_is_one_and_says_what_it_is_for() -> None:
    rows = resources.load("fixtures", "pacing.json")["profiles"]
    assert list(profiles()) == list(rows)
    for row in rows.values():
        assert set(row) <= {"ttft", "itl", "jitter", "tokens_per_chunk", "description"}
        assert row["description"]["en"]
        assert row["description"]["zh"]


def test_a_name_that_is_close_is_proposed() -> None:
    with pytest.raises(ValueError, match="did you mean qwen-max-busy"):
        named("qwen-max-buzy")
    with pytest.raises(ValueError, match="there are instant, "):
        named("xyz")
