"""Stubs as JSON: what is written is read back, and what is wrong is said with its place."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver import schemas
from mockserver.errors import catalogue
from mockserver.stubs.document import from_document, from_file, place, to_document
from mockserver.stubs.stub import (
    Always,
    CallSpec,
    ErrorSpec,
    EveryNth,
    Exactly,
    Lasting,
    Matcher,
    Outcome,
    Probability,
    Ramp,
    ReplySpec,
    Scenario,
    Stub,
    StubError,
    TextMatch,
)
from mockserver.wire.fault import Fault
from mockserver.wire.pacing import Pacing, named

short = st.text(max_size=8)
name = st.text(min_size=1, max_size=8)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**50), 2**50) | short,
    lambda inner: st.lists(inner) | st.dictionaries(short, inner),
    max_leaves=6,
)
objects = st.dictionaries(short, json_values, max_size=3)
text_matches = st.one_of(
    st.builds(TextMatch, equals=short),
    st.builds(TextMatch, contains=short),
    st.builds(TextMatch, regex=st.just("^a+$")),
)
matchers = st.builds(
    Matcher,
    endpoint=st.none() | st.sampled_from(["chat", "*"]),
    dialect=st.sampled_from([None, "native", "compatible"]),
    model=st.none() | name,
    stream=st.none() | st.booleans(),
    last_user=st.none() | text_matches,
    any_message=st.none() | text_matches,
    tools=st.lists(name, max_size=2).map(tuple),
    has_tool_result=st.none() | st.booleans(),
    turn=st.none() | st.integers(0, 9),
    headers=st.dictionaries(name, text_matches, max_size=2),
    json_path=st.dictionaries(st.sampled_from(["$.a", "$.b[0]", "$"]), json_values, max_size=2),
    json_schema=st.sampled_from([None, {}, {"type": "object"}]),
    predicate=st.none(),
)
spoken = st.builds(
    ReplySpec,
    text=st.none() | short,
    reasoning=short | st.lists(short, min_size=1, max_size=2).map(tuple),
    tool_calls=st.lists(st.builds(CallSpec, name, objects | short, st.none() | short), max_size=2).map(tuple),
    finish_reason=st.none() | short,
    usage=objects,
    headers=st.dictionaries(st.sampled_from(["X-A", "retry-after"]), st.sampled_from(["1", "a b"])),
)
raw = st.builds(ReplySpec, status=st.none() | st.integers(200, 599), body=json_values)
replies = st.one_of(
    spoken,
    raw,
    st.builds(ReplySpec, sse=st.binary(max_size=9)),
    st.builds(ReplySpec, chunks=st.lists(short, min_size=1).map(tuple), template=st.just(False)),
    st.builds(ReplySpec, text=st.just("{{ model }}"), template=st.just(True)),
)
errors = st.builds(
    ErrorSpec,
    st.sampled_from(sorted(catalogue())),
    after=st.integers(0, 9),
    leak_native=st.booleans(),
    status=st.none() | st.integers(200, 599),
    retry_after=st.none() | st.floats(0, 3600),
)
faults = st.sampled_from([Fault("reset"), Fault("reset", {"after": 3}), Fault("drip", {"size": 1, "every": 0.5})])
pacings = st.builds(Pacing, st.floats(0, 9), st.floats(0, 9), st.floats(0, 9), st.none() | st.integers(1, 9))
outcomes = st.builds(
    Outcome, st.none() | replies, st.none() | errors, st.lists(faults, max_size=2).map(tuple), st.none() | pacings
)
times = st.one_of(
    st.just(Always()),
    st.builds(Exactly, st.integers(3, 9)),
    st.builds(EveryNth, st.integers(1, 9)),
    st.builds(Probability, st.floats(0, 1)),
    st.builds(Lasting, st.integers(1, 3600)),
    st.builds(Ramp, st.floats(0, 1), st.floats(0, 1), st.integers(1, 3600)),
)
stubs = st.builds(
    Stub,
    matcher=matchers,
    outcomes=st.lists(outcomes, min_size=1, max_size=3).map(tuple),
    times=times,
    priority=st.integers(-9, 9),
    scenario=st.none() | st.builds(Scenario, name, st.none() | name, st.none() | name),
    name=short,
    id=short,
    source=st.just("control"),
)


@given(stubs)
def test_a_stub_is_read_back_from_its_document(stub: Stub) -> None:
    document = to_document(stub)
    over_the_wire = json.loads(json.dumps(document))
    assert schemas.explain("control/stub", over_the_wire) == []
    assert from_document(over_the_wire) == stub


@given(stubs)
def test_a_document_is_the_shortest_form_of_itself(stub: Stub) -> None:
    document = to_document(stub)
    assert to_document(from_document(document)) == document


@pytest.mark.parametrize("example", schemas.document("control/stub")["examples"], ids=str)
def test_the_examples_of_the_schema_are_stubs(example: dict[str, Any]) -> None:
    assert from_document(example) == from_document(to_document(from_document(example)))


def test_nothing_said_is_the_default_writer_for_every_request() -> None:
    assert from_document({}) == Stub(source="control")
    assert to_document(Stub()) == {}


@pytest.mark.parametrize(
    ("document", "stub"),
    [
        ({"reply": "晴"}, Stub(outcomes=(Outcome(reply=ReplySpec(text="晴")),))),
        ({"error": "Throttling"}, Stub(outcomes=(Outcome(error=ErrorSpec("Throttling")),))),
        ({"faults": ["reset"]}, Stub(outcomes=(Outcome(faults=(Fault("reset"),)),))),
        ({"faults": [{"kind": "drip", "every": "20ms"}]},
         Stub(outcomes=(Outcome(faults=(Fault("drip", {"every": 0.02}),)),))),
        ({"pacing": "qwen-max"}, Stub(outcomes=(Outcome(pacing=named("qwen-max")),))),
        ({"pacing": {"ttft": "1m"}}, Stub(outcomes=(Outcome(pacing=Pacing(ttft=60)),))),
        ({"match": {"last_user": "a"}}, Stub(Matcher(last_user=TextMatch(contains="a")))),
        ({"times": "once"}, Stub(times=Exactly(1))),
        ({"times": 3.0, "priority": 2.0}, Stub(times=Exactly(3), priority=2)),
        ({"reply": {"sse": {"base64": "/w=="}}}, Stub(outcomes=(Outcome(reply=ReplySpec(sse=b"\xff")),))),
        ({"outcomes": [{}, {"reply": "b"}]}, Stub(outcomes=(Outcome(), Outcome(reply=ReplySpec(text="b"))))),
    ],
    ids=str,
)  # fmt: skip
def test_short_forms(document: dict[str, Any], stub: Stub) -> None:
    assert from_document(document, source="python") == stub


@pytest.mark.parametrize(
    ("document", "path", "says"),
    [
        ({"replay": "x"}, (), "has `replay`, which must not be there"),
        ({"reply": 5}, ("reply",), "reply is 5; it must be a text or an object"),
        ({"outcomes": [{}, {"error": {"name": "Throttling", "after": -1}}]},
         ("outcomes", 1, "error", "after"), "at least 0"),
        ({"error": "Throtling"}, ("error",), "error: .*Did you mean Throttling"),
        ({"error": {"name": "Throttling", "params": {"x": 1}}}, ("error",), "no parameter 'x'; it takes none"),
        ({"outcomes": [{}, {"faults": ["resett"]}]},
         ("outcomes", 1, "faults"), r"outcomes\[1\].faults: .*Did you mean reset"),
        ({"faults": [{"kind": "reset", "after": "x"}]}, ("faults", 0, "after"), r"faults\[0\].after is "),
        ({"match": {"last_user": {"regex": "("}}}, ("match",), "match: .* no regular expression"),
        ({"match": {"json_path": {"$..a": 1}}}, ("match",), "is no path"),
        ({"pacing": "qwen-maxx"}, ("pacing",), "did you mean qwen-max"),
        ({"pacing": {"ttft": "2 years"}}, ("pacing",), "is not a duration"),
        ({"reply": {"text": "a", "chunks": ["b"]}}, ("reply",), "text or chunks, not both"),
        ({"reply": {"text": "a", "status": 500}}, ("reply",), "words of the model and a status or body"),
        ({"reply": {"headers": {"a b": "x"}}}, ("reply",), "no header name"),
        ({"reply": {"headers": {"a": "x\r\nb: y"}}}, ("reply",), "line ends"),
        ({"reply": {"sse": {"base64": "%"}}}, ("reply",), "not base64"),
        ({"reply": {"text": "{{ x }}", "template": True}}, ("reply",), "there is no 'x'"),
        ({"reply": "a", "error": "Throttling"}, (), "leaves no reply"),
        ({"reply": "a", "outcomes": [{}]}, (), "reply beside outcomes"),
        ({"times": "often"}, ("times",), "times is"),
        ({"times": 1, "outcomes": [{}, {}]}, (), "never reach the last of 2 outcomes"),
        ({"scenario": {"when": "start"}}, ("scenario",), "lacks `name`"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(document: dict[str, Any], path: tuple[Any, ...], says: str) -> None:
    with pytest.raises(StubError, match=says) as caught:
        from_document(document)
    assert caught.value.path == path


def test_a_file_says_which_of_its_stubs_is_wrong() -> None:
    with pytest.raises(StubError, match=r"^stubs\[1\].error: ") as caught:
        from_file({"stubs": [{}, {"error": "Nope"}]})
    assert caught.value.path == ("stubs", 1, "error")
    assert place(caught.value.path) == "stubs[1].error"


@pytest.mark.parametrize("content", [None, [], {}, {"stubs": {}}, {"stubs": [None]}, "x"])
def test_a_file_that_holds_no_stubs_is_refused(content: Any) -> None:
    with pytest.raises(StubError):
        from_file(content)


@pytest.mark.parametrize(
    "make", [lambda: Stub(Matcher(predicate=bool)), lambda: Stub(outcomes=(Outcome(reply=ReplySpec(function=repr)),))]
)
def test_python_has_no_document(make: Callable[[], Stub]) -> None:
    with pytest.raises(StubError, match="lives in Python only"):
        to_document(make())
