"""What is recorded, what is kept of it, and that nobody's key is shown."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver import gate
from mockserver.journal import (
    KEPT_BODY,
    KEPT_EVENTS,
    KEPT_TEXT,
    KEPT_TEXTS,
    Journal,
    Record,
    answers_in,
    fingerprint,
    masked_headers,
    to_document,
)
from mockserver.violations import Violation

REAL_KEY = "sk-0123456789abcdef0123456789abcdef"


def record(**fields: Any) -> Record:
    given: dict[str, Any] = {
        "arrived_ms": 1_000,
        "method": "POST",
        "path": "/x",
        "dialect": "native",
        "endpoint": "generation",
        "request_id": "id",
    }
    return Record(**{**given, **fields})


def filled(count: int, **bounds: int) -> Journal:
    journal = Journal(**bounds)
    for _ in range(count):
        journal.add(record())
    return journal


def numbers(journal: Journal) -> list[int]:
    return [each.number for each in journal]


# Order and bounds


def test_records_are_numbered_as_they_end_and_the_oldest_go_first() -> None:
    journal = filled(5, max_records=3)
    assert numbers(journal) == [3, 4, 5]
    assert (len(journal), journal.forgotten, journal[-1].number) == (3, 2, 5)


@given(st.lists(st.integers(0, 3_000), max_size=50), st.integers(1, 5), st.integers(1, 20_000))
def test_the_bounds_hold_and_the_newest_is_always_kept(sizes: list[int], records: int, size: int) -> None:
    journal = Journal(max_records=records, max_bytes=size)
    for number, length in enumerate(sizes, start=1):
        journal.add(record(body=b"x" * length))
        assert journal[-1].number == number
        assert len(journal) <= records
        assert journal.bytes <= size or len(journal) == 1
        assert journal.bytes == sum(each.size for each in journal)
    assert journal.forgotten == len(sizes) - len(journal)


def test_a_record_that_changes_after_it_was_added_does_not_upset_the_count() -> None:
    journal = filled(2, max_records=2)
    journal[0].answer = b"x" * 10_000
    journal.add(record())
    journal.add(record())
    assert journal.bytes == 2 * record().size


def test_what_is_long_is_cut() -> None:
    journal, long = Journal(), "x" * 10**6
    headers = {f"h{number}": long for number in range(1000)}
    journal.add(
        record(
            path=long,
            headers=headers,
            body=long.encode(),
            question=long,
            texts=(long,) * 1000,
            said=long,
            answer=long.encode(),
            answer_headers=tuple(headers.items()),
            events=(1.5,) * 10**5,
        )
    )
    (kept,) = journal
    assert (len(kept.body), len(kept.answer), len(kept.events)) == (KEPT_BODY, KEPT_BODY, KEPT_EVENTS)
    assert (len(kept.path), len(kept.said), len(kept.question or "")) == (KEPT_TEXT,) * 3
    assert {len(text) for text in kept.texts} == {KEPT_TEXT}
    assert len(kept.texts) == len(kept.headers) == len(kept.answer_headers) == KEPT_TEXTS
    assert journal.bytes < 3_000_000


def test_a_cleared_journal_counts_from_one_again() -> None:
    journal = filled(3)
    journal.clear()
    assert (len(journal), journal.bytes, journal.forgotten) == (0, 0, 0)
    journal.add(record())
    assert numbers(journal) == [1]


# Pages


@given(st.integers(0, 30), st.integers(1, 10))
def test_page_after_page_shows_every_record_once(count: int, limit: int) -> None:
    journal, found, more = filled(count), [0], True
    while more:
        page, more = journal.page(after=found[-1], limit=limit)
        found += [each.number for each in page]
    assert found[1:] == numbers(journal)


def test_a_page_has_only_what_is_asked_for() -> None:
    journal = Journal()
    for status in (200, 429, 200, 429, 429):
        journal.add(record(status=status))
    page, more = journal.page(limit=2, keep=lambda each: each.status == 429)
    assert ([each.number for each in page], more) == ([2, 4], True)
    page, more = journal.page(after=4, limit=2, keep=lambda each: each.status == 429)
    assert ([each.number for each in page], more) == ([5], False)


# Secrets

NAMES = st.sampled_from(["authorization", "Authorization", "x-api-key", "api-key", "cookie", "proxy-authorization"])
SECRETS = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=4, max_size=60)


@given(NAMES, st.sampled_from(["", "Bearer ", "bearer  ", "Basic ", "Bearer sk-", "sk-", "a=b; c="]), SECRETS)
def test_no_header_shows_a_secret(name: str, before: str, secret: str) -> None:
    shown = masked_headers({name: before + secret})[name]
    assert secret not in shown
    assert "***" in shown


def test_a_scheme_stays_readable_and_a_secret_is_no_scheme() -> None:
    assert masked_headers({"authorization": f"Bearer {REAL_KEY}"}) == {"authorization": f"Bearer {gate.mask(REAL_KEY)}"}
    assert REAL_KEY not in masked_headers({"authorization": f"{REAL_KEY} x"})["authorization"]
    assert masked_headers({"accept": "a b", "x-dashscope-sse": "enable"}) == {
        "accept": "a b",
        "x-dashscope-sse": "enable",
    }


KEYS = st.text("abcdefghijklmnopqrstuvwxyzABC0123456789-_", min_size=20, max_size=60).map(lambda name: f"sk-a{name}z")


@given(KEYS)
def test_a_real_key_is_nowhere_in_a_document(key: str) -> None:
    everywhere = record(
        path=f"/files/{key}",
        headers={"authorization": f"Bearer {key}", "x-note": f"my {key}"},
        body=json.dumps({"api_key": key}).encode(),
        model=key,
        answer=f"no {key}".encode(),
        answer_headers=(("x-echo", key),),
        violations=(Violation("schema.type", f"/{key}", f"{key} is wrong."),),
    )
    assert key not in json.dumps(to_document(everywhere))


def test_what_is_no_key_is_shown_as_it_is() -> None:
    body = '{"content": "ask-me-anything-about-scikit, sk-learn, risk-0123456789abcdef0123"}'
    assert to_document(record(body=body.encode()))["request"]["body"] == body


# Documents


def test_a_document_says_all_there_is_to_say() -> None:
    journal = Journal()
    journal.add(
        record(
            body=b"\xff",
            body_size=1,
            model="qwen-plus",
            stream=True,
            stub="throttle",
            status=429,
            error="Throttling.RateQuota",
            answer=b"{}",
            answer_size=2,
            answer_headers=(("content-type", "application/json"),),
            events=(0.0, 20.5),
            ended="finished",
            ended_ms=1_020,
            violations=(Violation("schema.type", "/a", "a is wrong."),),
        )
    )
    assert to_document(journal[0]) == {
        "number": 1,
        "request_id": "id",
        "arrived_ms": 1_000,
        "dialect": "native",
        "endpoint": "generation",
        "request": {
            "method": "POST",
            "path": "/x",
            "headers": {},
            "body": "\ufffd",
            "bytes": 1,
            "model": "qwen-plus",
            "stream": True,
        },
        "stub": "throttle",
        "answer": {
            "status": 429,
            "error": "Throttling.RateQuota",
            "headers": [["content-type", "application/json"]],
            "body": "{}",
            "bytes": 2,
            "events_ms": [0.0, 20.5],
        },
        "ended": "finished",
        "truncated": False,
        "ended_ms": 1_020,
        "violations": [{"code": "schema.type", "path": "/a", "message": "a is wrong."}],
    }


# What a request repeats


def test_a_fingerprint_is_the_same_for_the_same_bytes_only() -> None:
    first = fingerprint("POST", "/x", b"{}")
    assert first == fingerprint("POST", "/x", b"{}")
    others = [("GET", "/x", b"{}"), ("POST", "/x?a=1", b"{}"), ("POST", "/x", b"{ }"), ("POST", "/", b"x{}")]
    assert first not in {fingerprint(*other) for other in others}


@pytest.mark.parametrize("wrap", [lambda body: body, lambda body: {"input": body}], ids=["compatible", "native"])
def test_the_answers_that_a_request_repeats(wrap: Any) -> None:
    messages = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "whole"},
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "assistant", "content": "half", "partial": True},
        "no message",
    ]
    assert answers_in(wrap({"messages": messages})) == ("whole",)


VALUES = st.recursive(
    st.none() | st.text() | st.integers(),
    lambda children: st.lists(children) | st.dictionaries(st.sampled_from(["role", "content", "messages"]), children),
)


@given(st.dictionaries(st.sampled_from(["messages", "input"]), VALUES) | VALUES)
def test_any_body_may_be_asked_for_answers(body: Any) -> None:
    assert all(isinstance(text, str) for text in answers_in(body))
