"""Who is let through, who is refused, with which error, and when the next one may come."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver import ratelimits, schemas
from mockserver.errors import ApiError
from mockserver.ratelimits import Limit, Meter, RateLimitError, RateLimits

MINUTE = 60_000
QWEN = "qwen-plus"


def meter(*texts: str) -> Meter:
    return Meter(RateLimits.parse(texts))


def refusal(meter: Meter, now_ms: int, model: str = QWEN) -> str | None:
    """The name of the error, None for one who is let through."""
    try:
        meter.admit(model, now_ms)
    except ApiError as error:
        return error.entry.name
    return None


def admitted(meter: Meter, times: Iterable[int]) -> list[int]:
    return [now for now in times if refusal(meter, now) is None]


# What each limit is refused with


@pytest.mark.parametrize(("limit", "window"), [("rpm=2", MINUTE), ("rps=2", 1000)])
def test_requests_beyond_the_limit_wait_until_the_oldest_is_a_window_old(limit: str, window: int) -> None:
    limited = meter(limit)
    assert [refusal(limited, now) for now in (0, 10, 20)] == [None, None, "Throttling.RateQuota"]
    assert refusal(limited, window - 1) == "Throttling.RateQuota"
    assert refusal(limited, window) is None
    assert refusal(limited, window + 9) == "Throttling.RateQuota"
    assert refusal(limited, window + 10) is None


@pytest.mark.parametrize(("limit", "window"), [("tpm=100", MINUTE), ("tps=100", 1000)])
def test_tokens_are_counted_after_the_answer_and_refuse_the_next_request(limit: str, window: int) -> None:
    limited = meter(limit)
    limited.spend(QWEN, 99, 0)
    assert refusal(limited, 1) is None
    limited.spend(QWEN, 500, 5)
    assert refusal(limited, 6) == "Throttling.AllocationQuota"
    assert refusal(limited, window + 4) == "Throttling.AllocationQuota"
    assert refusal(limited, window + 5) is None


def test_a_request_that_spent_nothing_uses_up_no_tokens() -> None:
    limited = meter("tpm=1")
    limited.spend(QWEN, 0, 0)
    assert admitted(limited, [0, 0, 0]) == [0, 0, 0]


def test_as_many_as_the_limit_run_at_the_same_time() -> None:
    limited = meter("concurrency=2")
    with limited.running(QWEN):
        with limited.running(QWEN), pytest.raises(ApiError) as refused, limited.running(QWEN):
            pass
        with limited.running(QWEN):
            pass
    assert refused.value.entry.name == "Throttling.Concurrency"


def test_a_place_is_given_back_when_what_ran_in_it_failed() -> None:
    limited = meter("concurrency=1")
    with pytest.raises(ZeroDivisionError), limited.running(QWEN):
        _ = 1 / 0
    with limited.running(QWEN):
        pass


def test_a_jump_of_the_rate_is_a_burst_and_a_slow_rise_is_none() -> None:
    jumping, rising = meter("burst=3/10s"), meter("burst=3/10s")
    assert [refusal(jumping, now) for now in (0, 1, 2, 3)] == [None, None, None, "Throttling.BurstRate"]
    slowly = [period * 10_000 + place * 100 for period in range(8) for place in range(3 * (period + 1))]
    assert admitted(rising, slowly) == slowly


def test_each_refusal_is_the_services_own_in_both_dialects() -> None:
    codes = {}
    for word, name in ratelimits._ERRORS.items():
        entry = ApiError(name).entry
        assert (entry.native.status, entry.compatible.status, entry.retryable) == (429, 429, True)
        codes[word] = entry.compatible.code
    assert codes == {
        "concurrency": "Throttling.Concurrency",
        "burst": "limit_burst_rate",
        "rps": "limit_requests",
        "rpm": "limit_requests",
        "tps": "insufficient_quota",
        "tpm": "insufficient_quota",
    }


# Who counts with whom


def test_each_model_counts_by_itself() -> None:
    limited = meter("rpm=1,concurrency=1")
    with limited.running("qwen-max"), limited.running("qwen-plus"):
        assert refusal(limited, 0, "qwen-max") is None
        assert refusal(limited, 0, "qwen-plus") is None
        assert refusal(limited, 0, "qwen-max") == "Throttling.RateQuota"


def test_of_several_limits_the_last_that_names_the_model_counts() -> None:
    limits = RateLimits.parse(["rpm=60,tpm=1000", "qwen-max*:rpm=2", "qwen-max-latest:rpm=1"])
    most = {
        model: {limit.word: limit.most for limit in limits.of(model)} for model in ("qwen-max-latest", "qwen-max", "x")
    }
    assert most == {
        "qwen-max-latest": {"rpm": 1, "tpm": 1000},
        "qwen-max": {"rpm": 2, "tpm": 1000},
        "x": {"rpm": 60, "tpm": 1000},
    }


def test_without_limits_everything_passes_and_nothing_is_remembered() -> None:
    free = meter()
    with free.running(QWEN):
        assert admitted(free, [0] * 1000) == [0] * 1000
        free.spend(QWEN, 10**9, 0)
    assert not free.limits
    assert not free._gauges
    assert not free._running


def test_a_refused_request_counts_for_nothing() -> None:
    limited = meter("rpm=2,rps=1")
    assert [refusal(limited, now) for now in (0, 1, 2, 3)] == [None, *["Throttling.RateQuota"] * 3]
    assert refusal(limited, 1000) is None


def test_a_clock_that_is_set_back_does_not_lock_a_client_out() -> None:
    limited = meter("rpm=1")
    assert refusal(limited, 10 * MINUTE) is None
    assert refusal(limited, 0) is None


# The windows, against a memory of everything

TIMES = st.lists(st.integers(0, 300), min_size=1, max_size=300).map(
    lambda steps: [sum(steps[: n + 1]) for n in range(len(steps))]
)


def exact(times: list[int], most: int, window: int) -> list[int]:
    found: list[int] = []
    for now in times:
        if sum(1 for before in found if before > now - window) < most:
            found.append(now)
    return found


@given(TIMES, st.integers(1, 20))
def test_a_small_limit_is_exact(times: list[int], most: int) -> None:
    assert admitted(meter(f"rps={most}"), times) == exact(times, most, 1000)


@given(st.lists(st.integers(0, 8), min_size=200, max_size=600))
def test_a_large_limit_is_never_exceeded_and_late_by_a_hundredth_at_most(steps: list[int]) -> None:
    limited, passed, now, most = meter("rps=101"), [], 0, 101
    for step in steps:
        now += step
        if refusal(limited, now) is None:
            passed.append(now)
            assert sum(1 for before in passed if before > now - 1000) <= most
        else:
            assert sum(1 for before in passed if before > now - 1010) >= most


@given(TIMES, st.integers(1, 10), st.sampled_from([100, 1000, 5000]))
def test_a_rise_is_never_more_than_the_burst(times: list[int], most: int, window: int) -> None:
    passed = admitted(meter(f"burst={most}/{window}ms"), times)
    for now in passed:
        recent = sum(1 for time in passed if now - window < time <= now)
        before = sum(1 for time in passed if now - 2 * window < time <= now - window)
        assert recent - before <= most


def test_what_is_remembered_is_bounded() -> None:
    limited = meter("rpm=1000000,tpm=1000000000,burst=1000000/10s")
    for now in range(0, 2 * MINUTE, 20):
        limited.admit(QWEN, now)
        limited.spend(QWEN, 10, now)
    assert max(len(gauge._window._marks) for gauge in limited._gauges[QWEN]) <= 2 * ratelimits.MARKS + 1
    for number in range(1000):
        limited.admit(f"model-{number}", MINUTE)
    assert len(limited._gauges) == ratelimits.MAX_MODELS


# How limits are written


def test_a_text_names_limits_and_the_models_they_are_for() -> None:
    parsed = RateLimits.parse(
        ["rpm=60, tpm=100000,rps=5,tps=2000,burst=20/10s,concurrency=4", "qwen-max*:burst=5/500ms"]
    )
    assert parsed.limits == (
        Limit("rpm", 60, MINUTE),
        Limit("tpm", 100_000, MINUTE),
        Limit("rps", 5, 1000),
        Limit("tps", 2000, 1000),
        Limit("burst", 20, 10_000),
        Limit("concurrency", 4),
        Limit("burst", 5, 500, "qwen-max*"),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rmp=60", "Unknown limit 'rmp'; there are rpm, rps"),
        ("rpm", "'rpm' in 'rpm' is no limit"),
        ("", "is no limit"),
        ("rpm=60,", "is no limit"),
        ("rpm=60,rpm=5", "rpm stands twice"),
        ("rpm=0", "from 1 to"),
        ("rpm=-1", "from 1 to"),
        ("rpm=1.5", "whole number"),
        ("rpm=٣", "whole number"),
        ("rpm=" + "9" * 5000, "whole number"),
        ("burst=20", "such as 20/10s"),
        ("burst=20/soon", "such as 20/10s"),
        ("burst=20/0s", "such as 20/10s"),
        ("burst=20/2h", "such as 20/10s"),
        ("burst=0/10s", "from 1 to"),
        (":rpm=1", "names no model"),
    ],
)
def test_what_cannot_be_is_refused_and_named(text: str, said: str) -> None:
    with pytest.raises(RateLimitError, match=said):
        RateLimits.parse([text])


LIMITS = st.builds(
    lambda word, most, window, model: Limit(
        word, most, window if word == "burst" else ratelimits._WINDOWS.get(word, 0), model
    ),
    st.sampled_from(sorted(ratelimits._ERRORS)),
    st.integers(1, 10**9 - 1),
    st.integers(1, 3_600_000),
    st.sampled_from(["*", "qwen-max*", "qwen-plus"]),
)


@given(st.lists(LIMITS, max_size=6))
def test_a_document_and_a_text_read_back_to_the_same_limits(limits: list[Limit]) -> None:
    limited = RateLimits(tuple(limits))
    assert RateLimits.from_document(limited.to_document()) == limited
    assert RateLimits.parse(f"{limit.model}:{limit.word}={limit.value}" for limit in limits) == limited


def test_the_examples_of_the_schema_are_limits() -> None:
    for example in schemas.document("control/rate-limits")["examples"]:
        assert RateLimits.from_document(example)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({}, "lacks `limits`"),
        ({"limits": [{"rmp": 1}]}, "`rmp`, which must not be there"),
        ({"limits": [{"rpm": 0}]}, "at least 1"),
        ({"limits": [{"burst": "20/0s"}]}, "such as 20/10s"),
        ([], "must be an object"),
    ],
)
def test_a_wrong_document_is_refused_with_its_place(document: Any, said: str) -> None:
    with pytest.raises(RateLimitError, match=said):
        RateLimits.from_document(document)


def test_a_whole_number_may_be_written_with_a_point() -> None:
    assert RateLimits.from_document({"limits": [{"rpm": 60.0}]}).limits == (Limit("rpm", 60, MINUTE),)
