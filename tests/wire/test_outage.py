import pytest
from hypothesis import given
from hypothesis import strategies as st
from raw_socket import chance

from mockserver.wire.outage import Outage, Ramp


def asked(machine: Outage[str] | Ramp[str], times: list[float], seed: int = 0) -> list[str | None]:
    rng = chance(seed)
    return [machine.next(now, rng) for now in times]


@given(st.integers(1, 50), st.integers(0, 50))
def test_an_outage_lasts_for_its_requests_and_then_all_is_well(requests: int, more: int) -> None:
    assert asked(Outage("down", requests=requests), [0.0] * (requests + more)) == ["down"] * requests + [None] * more


def test_an_outage_of_seconds_begins_with_the_first_request() -> None:
    assert asked(Outage("down", seconds=2), [100.0, 101.9, 102.0, 500.0]) == ["down", "down", None, None]


def test_a_ramp_climbs_evenly_and_stays() -> None:
    answers = asked(Ramp("error", requests=4000), [0.0] * 8000)
    rates = [sum(answer is not None for answer in answers[at : at + 1000]) / 1000 for at in range(0, 8000, 1000)]
    assert rates[4:] == [1.0] * 4
    assert rates[:4] == pytest.approx([0.125, 0.375, 0.625, 0.875], abs=0.05)


def test_a_ramp_may_fall_over_time() -> None:
    assert asked(Ramp("error", start=1, end=0, seconds=10), [0.0, 10.0, 11.0]) == ["error", None, None]


@given(st.integers())
def test_the_same_seed_and_times_give_the_same_faults(seed: int) -> None:
    times = [each / 10 for each in range(50)]
    first, second = (asked(Ramp("error", seconds=5), times, seed) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("extent", [{}, {"requests": 1, "seconds": 1}, {"requests": 0}, {"seconds": -1.0}])
def test_it_lasts_for_requests_or_for_seconds(extent: dict[str, int]) -> None:
    for machine in (Outage, Ramp):
        with pytest.raises(ValueError, match="give one of them"):
            machine("down", **extent)


def test_a_probability_is_one() -> None:
    with pytest.raises(ValueError, match="end lies between 0 and 1"):
        Ramp("error", end=1.5, requests=1)
