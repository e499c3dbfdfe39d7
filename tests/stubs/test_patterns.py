"""Patterns a test hands in: Python's meaning, and bounds that hold."""

import re
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.stubs import patterns
from mockserver.stubs.patterns import PatternError, TooHardError, searcher

PATTERNS = [
    r"天气|晴",
    r"^\w+$",
    r"(?i)HELLO",
    r"\d{2,3}",
    r"(a)(?:b|\1)",
    r"x(?!y)",
    r"[^a-c]+\Z",
    r"(?<=a)b$",
    r"(?s)a.b",
]


@given(st.sampled_from(PATTERNS), st.text(alphabet="abxy天气晴Hello 12\n", max_size=30))
def test_a_pattern_means_what_it_means_in_python(pattern: str, text: str) -> None:
    assert searcher(pattern)(text) == bool(re.search(pattern, text))


@pytest.mark.parametrize("pattern", ["(a|aa)+$", "(x+x+)+y", "(a+)+$", r"(a|b|ab|ba)*c", "(.*)*$x"])
def test_a_hostile_pattern_is_stopped(pattern: str) -> None:
    text = "ab" * 20_000 if "b" in pattern else ("x" if "x+" in pattern else "a") * 40_000 + "!"
    began = time.process_time()
    with suppress(TooHardError):
        searcher(pattern)(text)
    assert time.process_time() - began < 2


def test_one_hostile_pattern_really_is_too_hard() -> None:
    with pytest.raises(TooHardError, match=r"takes more than 0\.1 s"):
        searcher("(a|aa)+$")("a" * 200 + "!")


def test_a_text_beyond_the_bound_is_not_judged() -> None:
    with pytest.raises(TooHardError, match="100001 characters"):
        searcher("a")("a" * 100_001)


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("(", "no regular expression"),
        ("a" * 1001, "1001 characters"),
        ("a{1000000000}", "multiply to more than"),
        ("((a{200}){200}){200}", "multiply to more than"),
        ("a{,99999}", "multiply to more than"),
        ("*", "no regular expression"),
    ],
)
def test_what_cannot_be_compiled_safely_is_refused(pattern: str, says: str) -> None:
    with pytest.raises(PatternError, match=says):
        searcher(pattern)


@given(st.text(alphabet="(){}[]|*+?.\\a1,^$<=!:PR&", max_size=40))
def test_any_text_is_a_pattern_or_refused(text: str) -> None:
    with suppress(PatternError, TooHardError):
        searcher(text)("a1" * 20)


def test_flags_of_a_compiled_pattern_are_kept() -> None:
    source = patterns.source(re.compile("^hello.you$", re.IGNORECASE | re.DOTALL | re.MULTILINE))
    assert source == "(?ims)^hello.you$"
    assert searcher(source)("x\nHELLO\nYOU\n")


# --- JSON Schema


def test_a_schema_says_what_is_wrong_where() -> None:
    schema = {"properties": {"n": {"type": "array", "items": {"minimum": 3}}}}
    assert patterns.schema_complaint(schema, {"n": [3, 4]}) == ""
    assert patterns.schema_complaint(schema, {"n": [3, 1]}) == "n[1]: 1 is less than the minimum of 3"


@pytest.mark.parametrize(
    "schema", [{"type": "thing"}, {"pattern": "("}, {"$ref": "http://localhost:9/x"}, {"$ref": "file:///etc/passwd"}]
)
def test_a_schema_that_is_none_or_fetches_is_refused(schema: dict[str, object]) -> None:
    with pytest.raises(PatternError, match="no JSON Schema"):
        patterns.check_schema(schema)


def test_a_schema_must_be_json() -> None:
    with pytest.raises(PatternError, match="no JSON"):
        patterns.check_schema({"const": object()})


def test_a_hostile_pattern_in_a_schema_is_stopped() -> None:
    began = time.process_time()
    patterns.schema_complaint({"pattern": r"^(?:(a|aa)+)\1$"}, "a" * 5000 + "!")
    assert time.process_time() - began < 2
