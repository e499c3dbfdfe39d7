"""Each finding fires for the behaviour it is about, and a client that behaves well is accused of nothing."""

from itertools import accumulate
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mockserver import verdict as rules
from mockserver.errors import catalogue
from mockserver.journal import Journal, Record
from mockserver.verdict import CODES, verdict

RATE = {"error": "Throttling.RateQuota", "status": 429, "retryable": True}
REFUSED = {"error": "DataInspectionFailed", "status": 400, "retryable": False}
PARSING = {"error": rules.PARSING, "status": 400, "retryable": True}
CUT: dict[str, Any] = {"stream": True, "truncated": True, "ended": "reset", "said": "今天天气很好，我们去"}
LEFT = {"stream": True, "ended": "client-left"}
OK: dict[str, Any] = {}
TOOK = 10


def at(time: int, outcome: dict[str, Any], **fields: Any) -> Record:
    """An exchange that arrived at a time and took 10 ms; the same request unless a field says otherwise."""
    given: dict[str, Any] = {
        "arrived_ms": 1_000_000 + time,
        "ended_ms": 1_000_000 + time + TOOK,
        "method": "POST",
        "path": "/chat",
        "dialect": "compatible",
        "endpoint": "chat",
        "request_id": "id",
        "fingerprint": "same",
        "model": "qwen-plus",
        "question": "你是谁？",
        "status": 200,
        "answer_size": 100,
        "ended": "finished",
    }
    return Record(**{**given, **outcome, **fields})


def judged(*records: Record) -> list[tuple[str, tuple[int, ...]]]:
    journal = Journal()
    for record in records:
        journal.add(record)
    return [(finding.code, finding.records) for finding in verdict(journal)]


def codes(*records: Record) -> list[str]:
    return [code for code, _ in judged(*records)]


def attempts(pauses: list[int], outcome: dict[str, Any] = RATE, **fields: Any) -> list[Record]:
    """A first attempt and one after each pause; the last succeeds."""
    times = list(accumulate((pause + TOOK for pause in pauses), initial=0))
    return [*(at(time, outcome, **fields) for time in times[:-1]), at(times[-1], OK, **fields)]


# What must not be retried


def test_an_error_that_time_does_not_heal_is_not_retried() -> None:
    assert judged(at(0, REFUSED), at(500, REFUSED), at(2_000, OK)) == [
        ("retry.not-retryable", (1, 2)),
        ("retry.not-retryable", (2, 3)),
    ]


@pytest.mark.parametrize(
    "second",
    [
        at(500, OK, fingerprint="another"),
        at(60_000, OK),
        at(500, OK, headers={"x-stainless-retry-count": "0"}),
        at(5, REFUSED),
    ],
    ids=["another request", "a minute later", "a new call of the openai SDK", "at the same time"],
)
def test_another_call_is_no_retry(second: Record) -> None:
    assert codes(at(0, REFUSED), second) == []


def test_an_error_that_time_heals_may_be_retried() -> None:
    assert codes(*attempts([500, 1_000])) == []


# Retry-After


def test_retry_after_is_waited_for() -> None:
    told = {**RATE, "retry_after": 2.0}
    assert judged(at(0, told), at(1_000, OK)) == [("retry.after-ignored", (1, 2))]
    assert codes(at(0, told), at(2_010, OK)) == []
    assert codes(at(0, told), at(1_000, OK, fingerprint="another", question="另一个问题")) == []


# Storm and backoff


def test_many_attempts_in_a_short_time_are_a_storm() -> None:
    assert codes(*attempts([300] * 10)) == ["retry.storm"]
    assert judged(*attempts([300] * 12)) == [("retry.storm", tuple(range(1, 14)))]


def test_fewer_attempts_or_slower_ones_are_no_storm() -> None:
    assert codes(*attempts([300] * 9)) == []
    assert codes(*attempts([600] * 20)) == []
    assert codes(*attempts([2**power for power in range(12)])) == []


def test_attempts_without_a_pause_have_no_backoff() -> None:
    assert judged(*attempts([0, 20, 90])) == [("retry.no-backoff", (1, 2, 3, 4))]
    assert codes(*attempts([0, 20])) == []
    assert codes(*attempts([0, 20, 100])) == []


@given(
    st.sampled_from([100, 500, 1_000]),
    st.integers(1, 14),
    st.lists(st.floats(0.75, 1), min_size=14, max_size=14),
    st.sampled_from([RATE, CUT, {**LEFT, "answer_size": 0}, {"status": 503, "retryable": True}]),
)
def test_exponential_backoff_is_never_blamed(
    first: int, times: int, jitter: list[float], outcome: dict[str, Any]
) -> None:
    pauses = [int(min(first * 2**power, 60_000) * jitter[power]) for power in range(times)]
    assert codes(*attempts(pauses, outcome)) == []


@given(st.lists(st.lists(st.integers(0, 200), min_size=4, max_size=4), min_size=1, max_size=6))
@example([[20 * user] * 4 for user in range(6)])
def test_users_of_one_session_who_ask_the_same_at_once_and_wait_are_not_blamed(lags: list[list[int]]) -> None:
    first = [at(number, RATE) for number, _ in enumerate(lags)]
    waves = [at(600 * wave + lag, RATE) for user in lags for wave, lag in enumerate(user, start=1)]
    assert codes(*first, *waves) == []


# The same question with success, and calls that overlap


@given(st.lists(st.integers(0, 200), max_size=40))
def test_the_same_question_answered_again_and_again_is_no_retry(pauses: list[int]) -> None:
    assert codes(*attempts(pauses, OK)) == []


@given(st.lists(st.integers(0, TOOK), min_size=1, max_size=40).map(sorted))
def test_calls_that_run_at_the_same_time_are_no_retries(times: list[int]) -> None:
    assert codes(*(at(time, REFUSED, ended_ms=1_000_100) for time in times)) == []


def test_a_user_who_cancels_and_asks_again_does_not_retry() -> None:
    assert codes(*[at(time * 50, {**LEFT, "stream": False}) for time in range(12)]) == []
    gave_up = {**LEFT, "stream": False, "answer_size": 0}
    assert "retry.no-backoff" in codes(*[at(time * 50, gave_up) for time in range(12)])


# Streams that were cut

NEXT = {"fingerprint": "next", "question": "然后呢？"}


def test_a_cut_stream_may_be_retried() -> None:
    assert codes(at(0, CUT), at(600, CUT), at(2_000, {"said": "今天天气很好，我们去公园吧。"})) == []


def test_a_cut_text_in_the_next_request_was_taken_for_whole() -> None:
    followed = at(5_000, OK, texts=("早上好。", CUT["said"] + "\n"), **NEXT)
    assert judged(at(0, CUT), followed) == [("stream.truncated-accepted", (1, 2))]


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (at(0, CUT), at(5_000, OK, texts=("今天天气很好，我们去公园吧。",), **NEXT)),
        (at(0, {**CUT, "truncated": False, "ended": "finished"}), at(5_000, OK, texts=(CUT["said"],), **NEXT)),
        (at(0, {**CUT, "said": "好的"}), at(5_000, OK, texts=("好的",), **NEXT)),
    ],
    ids=["the whole text", "a stream that was whole", "too short to tell"],
)
def test_a_text_that_was_not_cut_may_be_used(first: Record, then: Record) -> None:
    assert codes(first, then) == []


def test_a_cut_text_that_a_retry_proved_whole_may_be_used() -> None:
    whole = at(1_000, {"said": CUT["said"]})
    assert codes(at(0, CUT), whole, at(5_000, OK, texts=(CUT["said"],), **NEXT)) == []


def test_streams_of_which_none_is_read_to_its_end() -> None:
    left = [at(time, LEFT, fingerprint=str(time)) for time in (0, 1_000, 2_000)]
    assert judged(*left) == [("stream.never-read-to-end", (1, 2, 3))]
    assert codes(*left[:2]) == []
    assert codes(*left[:2], at(2_000, {**LEFT, "answer_size": 0}, fingerprint="gave up")) == []
    assert codes(*left, at(3_000, {"stream": True}, fingerprint="read")) == []


# Bodies


CHANGED = {"fingerprint": "changed"}


def test_a_retry_with_another_body() -> None:
    assert judged(at(0, RATE), at(500, OK, **CHANGED)) == [("retry.body-changed", (1, 2))]


@pytest.mark.parametrize(
    "fields",
    [
        {"question": "另一个问题"},
        {"model": "qwen-turbo"},
        {"stream": True},
        {"path": "/other"},
        {"texts": ("一段对话",)},
        {"headers": {"x-stainless-retry-count": "0"}},
        {"arrived_ms": 1_010_000, "ended_ms": 1_010_001},
        {"arrived_ms": 1_000_005},
    ],
    ids=["question", "model", "stream", "path", "conversation", "a new call", "much later", "at the same time"],
)
def test_another_request_is_no_retry_with_another_body(fields: dict[str, Any]) -> None:
    assert codes(at(0, RATE), at(500, OK, **{**CHANGED, **fields})) == []


def test_two_calls_in_turn_keep_their_bodies() -> None:
    turns = [at(0, RATE), at(20, RATE, **CHANGED), at(1_000, OK), at(1_020, OK, **CHANGED)]
    assert codes(*turns) == []


# Files


def test_a_file_that_is_being_parsed_is_not_asked_for_at_once() -> None:
    assert judged(*attempts([100, 2_000], PARSING)) == [("files.polled-too-fast", (1, 2))]
    assert codes(*attempts([1_000] * 30, PARSING)) == []
    assert set(codes(*attempts([20] * 12, PARSING))) == {"files.polled-too-fast"}
    assert codes(*attempts([100], RATE)) == []


def test_the_error_of_a_file_that_is_being_parsed_is_in_the_catalogue() -> None:
    assert catalogue()[rules.PARSING].name == rules.PARSING


# All together


def test_an_empty_journal_has_no_findings() -> None:
    assert judged() == []


RECORDS = st.lists(
    st.builds(
        at,
        st.integers(0, 10_000),
        st.sampled_from([RATE, REFUSED, PARSING, CUT, LEFT, OK, {**RATE, "retry_after": 1.0}]),
        fingerprint=st.sampled_from(["a", "b"]),
        texts=st.sampled_from([(), (CUT["said"],)]),
        ended_ms=st.integers(0, 1_012_000),
        headers=st.sampled_from([{}, {"x-stainless-retry-count": "0"}]),
    ),
    max_size=30,
)


@given(RECORDS)
def test_findings_have_known_codes_existing_records_and_one_sentence(records: list[Record]) -> None:
    journal = Journal()
    for record in records:
        journal.add(record)
    for finding in verdict(journal):
        assert finding.code in CODES
        assert set(finding.records) <= {record.number for record in journal}
        assert finding.message.endswith(".")


@given(RECORDS)
def test_the_verdict_is_the_same_whenever_it_is_asked(records: list[Record]) -> None:
    assert judged(*records) == judged(*records)
