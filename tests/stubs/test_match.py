"""Whether a request matches, and the reasons why not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.stubs.match import matches, mismatch
from mockserver.stubs.stub import Matcher, StubError, TextMatch
from mockserver.stubs.view import View, view_of

BODY = {
    "model": "qwen-plus",
    "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "你好 world"}],
    "tools": [{"function": {"name": "get_weather"}}],
    "temperature": 1,
}
VIEW = view_of(BODY, endpoint="chat", dialect="compatible", stream=True, headers={"user-agent": "OpenAI/Python"})

FITTING: list[dict[str, Any]] = [
    {"endpoint": "ch*"}, {"dialect": "compatible"}, {"model": "qwen-*"}, {"stream": True}, {"turn": 1},
    {"last_user": TextMatch(equals="你好 world")}, {"last_user": TextMatch(contains="你好")},
    {"last_user": TextMatch(regex=r"\bworld$")}, {"any_message": TextMatch(contains="brief")},
    {"tools": ("get_weather",)},
    {"has_tool_result": False}, {"headers": {"User-Agent": TextMatch(contains="OpenAI")}},
    {"json_path": {"$.temperature": 1.0}}, {"json_path": {"$.messages[*].role": "user"}},
    {"json_schema": {"required": ["tools"]}}, {"predicate": lambda view: view.stream},
]  # fmt: skip
FAILING: list[tuple[dict[str, Any], str]] = [
    ({"endpoint": "files"}, 'endpoint is like "files": it is "chat"'),
    ({"dialect": "native"}, 'dialect is "native": it is "compatible"'),
    ({"model": "qwen-max*"}, 'model is like "qwen-max*": it is "qwen-plus"'),
    ({"stream": False}, "stream is false: it is true"),
    ({"turn": 2}, "turn is 2: it is 1"),
    ({"last_user": TextMatch(equals="你好")}, 'last_user equals "你好": it is "你好 world"'),
    ({"last_user": TextMatch(contains="天气")}, 'last_user contains "天气": it is "你好 world"'),
    ({"last_user": TextMatch(regex="^w")}, 'last_user matches ^w: it is "你好 world"'),
    ({"any_message": TextMatch(contains="天气")}, 'any_message contains "天气": none of 2 does'),
    ({"tools": ("get_weather", "book")}, "tools include book: get_weather is offered"),
    ({"has_tool_result": True}, "has_tool_result is true: no tool has answered since the last user"),
    ({"headers": {"X-A": TextMatch(contains="1")}}, 'header X-A contains "1": there is none'),
    ({"headers": {"user-agent": TextMatch(equals="x")}}, 'header user-agent equals "x": it is "OpenAI/Python"'),
    ({"json_path": {"$.temperature": True}}, "$.temperature is true: it is 1"),
    ({"json_path": {"$.top_p": 1}}, "$.top_p is 1: it is not there"),
    ({"json_schema": {"required": ["n"]}}, 'the body satisfies json_schema: "n" is a required property'),
    ({"predicate": lambda view: view.body["n"]}, "predicate <lambda> holds: it raised KeyError: 'n'"),
]


@pytest.mark.parametrize("fields", FITTING, ids=lambda fields: next(iter(fields)))
def test_a_matcher_that_fits_has_no_reason(fields: dict[str, Any]) -> None:
    assert mismatch(Matcher(**fields), VIEW) == ()


@pytest.mark.parametrize(("fields", "reason"), FAILING, ids=[reason for _, reason in FAILING])
def test_a_matcher_that_does_not_fit_says_why(fields: dict[str, Any], reason: str) -> None:
    assert mismatch(Matcher(**fields), VIEW) == (reason,)


@given(st.lists(st.sampled_from(FITTING)), st.lists(st.sampled_from(FAILING), unique_by=lambda each: each[1]))
def test_there_are_no_reasons_exactly_when_it_matches(
    fitting: list[dict[str, Any]], failing: list[tuple[dict[str, Any], str]]
) -> None:
    fields: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    for each in fitting:
        fields |= each
    for each, reason in failing:
        fields |= each
        reasons[next(iter(each))] = reason
    found = mismatch(Matcher(**fields), VIEW)
    assert set(found) == set(reasons.values())
    assert matches(Matcher(**fields), VIEW) == (not found)


def test_nothing_asked_matches_anything() -> None:
    assert matches(Matcher(), View())


def test_no_model_is_not_any_model() -> None:
    assert mismatch(Matcher(model="*"), View()) == ('model is like "*": there is none',)


@given(st.lists(st.text(max_size=3), max_size=3), st.lists(st.text(max_size=3), max_size=3))
def test_json_path_compares_as_json(wanted: list[str], got: list[str]) -> None:
    view = view_of({"a": got}, endpoint="chat", dialect="native", stream=False)
    assert matches(Matcher(json_path={"$.a": wanted}), view) == (wanted == got)


def test_true_is_not_one_at_any_depth() -> None:
    view = view_of({"a": [{"b": 1}]}, endpoint="chat", dialect="native", stream=False)
    assert matches(Matcher(json_path={"$.a": [{"b": 1}]}), view)
    assert not matches(Matcher(json_path={"$.a": [{"b": True}]}), view)


def test_a_text_too_long_for_a_pattern_says_so() -> None:
    reasons = mismatch(Matcher(last_user=TextMatch(regex="x")), View(last_user="x" * 200_000))
    assert reasons == ("last_user matches x: it has 200000 characters, more than the 100000 a pattern reads",)


def test_long_values_are_cut_in_reasons() -> None:
    (reason,) = mismatch(Matcher(last_user=TextMatch(equals="a" * 500)), View(last_user="b" * 500))
    assert len(reason) < 200


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (TextMatch, "one of equals, contains and regex, not 0"),
        (lambda: TextMatch(equals="a", contains="b"), "not 2"),
        (lambda: TextMatch(regex="("), "no regular expression"),
        (lambda: Matcher(json_path={"a.b": 1}), "is no path"),
        (lambda: Matcher(json_schema={"type": 5}), "no JSON Schema"),
        (lambda: Matcher(turn=-1), "0 or more"),
    ],
)
def test_what_could_never_match_is_refused_at_once(make: Any, says: str) -> None:
    with pytest.raises(StubError, match=says):
        make()
