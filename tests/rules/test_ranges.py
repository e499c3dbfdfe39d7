"""Ranges of numbers, in the words of the service."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from orjson import loads as parse
from refusals import ENGINE, Dialect, body_of, native_body, refusal, said

from mockserver import schemas
from mockserver.dialects.draft import Draft
from mockserver.errors import ApiError
from mockserver.models import models
from mockserver.profiles import PROFILES
from mockserver.rules import ranges
from mockserver.rules.rule import apply

MODEL = models("2026")["qwen-plus"]

# parameter, values that are refused, values that are accepted, text
FIXED = [
    ("top_k", [-1], [0, 1, 101], "Parameter top_k be greater than or equal to 0"),
    ("repetition_penalty", [0, -0.5], [0.01, 3], "Repetition_penalty should be greater than 0.0"),
    ("presence_penalty", [-2.1, 2.1], [-2, 2.0], "Presence_penalty should be in [-2.0, 2.0]"),
    ("n", [0, 5], [1, 4], "Range of n should be [1, 4]"),
    ("top_logprobs", [-1, 6], [0, 5], "Range of top_logprobs should be [0, 5]"),
]
STOP = (
    'The "stop" parameter must be of type "str", "list[str]", "list[int]", or "list[list[int]]", '
    "and all elements within the list must be of the same type."
)
BOTH = pytest.mark.parametrize("dialect", ["native", "compatible"])


@BOTH
@pytest.mark.parametrize(("name", "refused", "accepted", "text"), FIXED, ids=[row[0] for row in FIXED])
def test_a_number_outside_its_range_is_refused(
    dialect: Dialect, name: str, refused: list[Any], accepted: list[Any], text: str
) -> None:
    for value in refused:
        assert said(dialect, body_of(dialect, **{name: value})) == ENGINE + text
        assert said(dialect, body_of(dialect, **{name: value}), profile="2024") == text
    for value in [*accepted, None]:
        assert said(dialect, body_of(dialect, **{name: value})) is None


# dialect, profile, parameter, values that are refused, values that are accepted, text
BY_ERA: list[tuple[Dialect, str, str, list[Any], list[Any], str]] = [
    ("native", "2026", "temperature", [-0.1, 2.1], [0, 2], "Temperature should be in [0.0, 2.0]"),
    ("native", "2024", "temperature", [-0.1, 2], [0, 1.99], "Temperature should be in [0.0, 2.0)"),
    ("compatible", "2026", "temperature", [-0.1, 2], [0, 1.99], "Temperature should be in [0.0, 2.0)"),
    ("native", "2026", "top_p", [0, 1.1], [0.1, 1], "Range of top_p should be (0.0, 1.0]"),
    ("native", "2024", "top_p", [0, 1], [0.1, 0.99], "Range of top_p should be (0.0, 1.0)"),
    ("compatible", "2026", "top_p", [0, 1.1], [0.1, 1], "Range of top_p should be (0.0, 1.0]"),
    ("compatible", "2024", "top_p", [0, 1], [0.1, 0.99], "Range of top_p should be (0.0, 1.0)"),
    (
        "native",
        "2026",
        "seed",
        [-1, 2**63],
        [0, 2**63 - 1],
        "Range of seed should be [0, 9223372036854775807]",
    ),
    ("native", "2024", "seed", [-1], [2**64 - 1], "Range of seed should be [0, 18446744073709551615]"),
    ("compatible", "2026", "seed", [2**63], [0], "Range of seed should be [0, 9223372036854775807]"),
]


@pytest.mark.parametrize(("dialect", "profile", "name", "refused", "accepted", "text"), BY_ERA)
def test_some_ranges_differ_by_dialect_and_era(  # noqa: PLR0913, PLR0917 - the columns of the table
    dialect: Dialect, profile: str, name: str, refused: list[Any], accepted: list[Any], text: str
) -> None:
    prefix = ENGINE if profile == "2026" else ""
    for value in refused:
        assert said(dialect, body_of(dialect, **{name: value}), profile=profile) == prefix + text
    for value in accepted:
        assert said(dialect, body_of(dialect, **{name: value}), profile=profile) is None


@BOTH
@pytest.mark.parametrize(
    ("model", "profile", "most"),
    [("qwen-plus", "2026", 32768), ("qwen-max", "2026", 8192), ("qwen-max", "2024", 2000)],
)
def test_max_tokens_ends_with_the_model(dialect: Dialect, model: str, profile: str, most: int) -> None:
    text = f"Range of max_tokens should be [1, {most}]"
    for value in (0, most + 1):
        found = said(dialect, body_of(dialect, model, max_tokens=value), profile=profile)
        assert found == (ENGINE if profile == "2026" else "") + text
    assert said(dialect, body_of(dialect, model, max_tokens=most), profile=profile) is None


@BOTH
def test_max_completion_tokens_may_hold_the_reasoning_too(dialect: Dialect) -> None:
    assert said(dialect, body_of(dialect, max_completion_tokens=32768 + 81920)) is None
    found = said(dialect, body_of(dialect, max_completion_tokens=32768 + 81920 + 1))
    assert found == ENGINE + "Range of max_tokens should be [1, 114688]"


@pytest.mark.parametrize(
    ("dialect", "budget", "text"),
    [
        ("native", 0, "thinking_budget should be greater than 0"),
        (
            "native",
            81921,
            "The thinking_budget parameter must be a positive integer and not greater than 81920",
        ),
        (
            "compatible",
            0,
            "The thinking_budget parameter must be a positive integer and not greater than 81920",
        ),
        (
            "compatible",
            81921,
            "The thinking_budget parameter must be a positive integer and not greater than 81920",
        ),
    ],
)
def test_the_budget_ends_with_the_model(dialect: Dialect, budget: int, text: str) -> None:
    assert said(dialect, body_of(dialect, thinking_budget=budget)) == ENGINE + text
    assert said(dialect, body_of(dialect, thinking_budget=81920)) is None


@BOTH
def test_a_budget_is_positive_where_its_limit_is_not_known(dialect: Dialect) -> None:
    found = said(dialect, body_of(dialect, "qwen-max", thinking_budget=0))
    assert found == ENGINE + "thinking_budget should be greater than 0"


def test_the_whole_must_be_more_than_the_reasoning() -> None:
    given: dict[str, Any] = {"enable_thinking": True, "thinking_budget": 32768}
    text = "max_completion_tokens [24000] must be greater than thinking_budget [32768]"
    found = said("native", native_body(max_completion_tokens=24000, **given), stream=True)
    assert found == ENGINE + text
    assert said("native", native_body(max_completion_tokens=32769, **given), stream=True) is None


@BOTH
@pytest.mark.parametrize("stop", [["a", 1], [1, [1]], [[1], "a"], [1.5], [None], [{}], [[1, "a"]], [True]])
def test_a_list_of_stops_never_mixes(dialect: Dialect, stop: list[Any]) -> None:
    assert said(dialect, body_of(dialect, stop=stop)) == ENGINE + STOP


@BOTH
@pytest.mark.parametrize("stop", ["a", [], ["a"], [108386, 104307], [[37763, 367]], [[]], [108386.0]])
def test_a_list_of_stops_of_one_kind_is_accepted(dialect: Dialect, stop: Any) -> None:
    assert said(dialect, body_of(dialect, stop=stop)) is None


def test_the_compatible_dialect_says_the_same_to_a_stop_of_another_type() -> None:
    assert said("compatible", body_of("compatible", stop=5)) == ENGINE + STOP


def test_a_refused_compatible_stream_is_one_frame_without_prefix() -> None:
    refused = refusal("compatible", body_of("compatible", stream=True, top_logprobs=6))
    assert refused is not None
    assert (refused.status, refused.content_type) == (400, b"text/event-stream;charset=UTF-8")
    assert refused.body == (
        b'data: {"error":{"code":"invalid_parameter_error","param":null,"message":"Range of top_logprobs '
        b'should be [0, 5]","type":"invalid_request_error"},"id":"chatcmpl-<uuid>"}\n\n'
    )


NUMBERS = (
    st.sampled_from([-2, 0, 0.0, 1, 1.0, 2, 4, 4.0, 5])
    | st.integers(-3, 10)
    | st.floats(-3, 10)
    | st.integers(-(2**63), 2**64 - 1)
)
NAMES = st.sampled_from(
    ["top_k", "repetition_penalty", "presence_penalty", "n", "top_logprobs", "stop", "max_tokens", "seed"]
)
STOPS = st.recursive(NUMBERS | st.text(max_size=3), lambda inner: st.lists(inner, max_size=3), max_leaves=4)


def judged_by_the_rules_alone(dialect: Dialect, parameters: Any) -> None:
    apply(ranges.FIXED, Draft(dialect, PROFILES["2026"], MODEL, stream=False, parameters=parameters, messages=()))


@pytest.mark.parametrize(("name", "refused", "accepted", "text"), FIXED, ids=[row[0] for row in FIXED])
def test_the_bounds_of_the_rules_are_those_of_the_schema(
    name: str, refused: list[Any], accepted: list[Any], text: str
) -> None:
    for value in accepted:
        judged_by_the_rules_alone("native", {name: value})
    for value in refused:
        with pytest.raises(ApiError) as caught:
            judged_by_the_rules_alone("native", {name: value})
        assert caught.value.entry.native.message == text


@given(name=NAMES, value=NUMBERS, stop=STOPS, dialect=st.sampled_from(["native", "compatible"]))
def test_what_the_schema_accepts_the_fixed_ranges_accept_too(
    name: str, value: float, stop: Any, dialect: Dialect
) -> None:
    """The rules skip these ranges for a body that the schema has accepted."""
    body = parse(orjson.dumps(body_of(dialect, **{name: stop if name == "stop" else value})))
    schema = "native/generation-request" if dialect == "native" else "compatible/chat-request"
    if schemas.accepts(schema, body):
        parameters = body["parameters"] if dialect == "native" else body
        judged_by_the_rules_alone(dialect, parameters)
