"""Each code fires for the request it is about, and not for the request next to it; no body makes a check fail."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mockserver import resources, verdict
from mockserver.violations import (
    EXPLAINED,
    MAX_VIOLATIONS,
    SHOWN,
    Seen,
    Violation,
    explanation,
    explanations,
    violations,
)

JSON = {"content-type": "application/json"}
SSE = {**JSON, "x-dashscope-sse": "enable"}
USER = {"role": "user", "content": "你是谁？"}
SCHEMAS = {"native": "native/generation-request", "compatible": "compatible/chat-request"}


def seen(  # noqa: PLR0913 - the parts of a request
    dialect: str,
    body: Any = None,
    *,
    raw: bytes | None = None,
    headers: Mapping[str, str] = JSON,
    query: bytes = b"",
    schema: str | None = "",
) -> Seen:
    return Seen(
        dialect=dialect,
        endpoint="generation" if dialect == "native" else "chat",
        headers=headers,
        query=query,
        raw=orjson.dumps(body) if raw is None else raw,
        body=body if raw is None else loaded(raw),
        schema=SCHEMAS[dialect] if schema == "" else schema,
    )


def loaded(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None


def native(parameters: Any = None, headers: Mapping[str, str] = JSON, **fields: Any) -> list[tuple[str, str]]:
    body = {"model": "qwen-plus", "input": {"messages": [USER]}, "parameters": parameters or {}, **fields}
    return told(seen("native", body, headers=headers))


def chat(headers: Mapping[str, str] = JSON, **fields: Any) -> list[tuple[str, str]]:
    return told(seen("compatible", {"model": "qwen-plus", "messages": [USER], **fields}, headers=headers))


def told(request: Seen) -> list[tuple[str, str]]:
    return [(violation.code, violation.path) for violation in violations(request)]


def raw_chat(raw: str) -> list[Violation]:
    return list(violations(seen("compatible", raw=raw.encode())))


# Nothing is said of what is right


def recorded() -> Iterator[Any]:
    for kind in ("documented", "recorded"):
        for file in sorted(resources.path("fixtures", kind).glob("*.json")):
            request = json.loads(file.read_text("utf-8"))["request"]
            if request["path"].endswith(("/chat/completions", "/text-generation/generation")) and request["body"]:
                yield pytest.param(request, EXPECTED.get(file.stem, []), id=file.stem)


EXPECTED = {
    "native-error-sse-400": [("schema.minItems", "/input/messages")],
    "native-text-sse-full": [("input.history", "/input/history")],
}


@pytest.mark.parametrize(("pair", "expected"), [*recorded()])
def test_the_documented_requests_break_nothing_but_what_they_show(pair: Any, expected: list[tuple[str, str]]) -> None:
    dialect = "compatible" if "compatible-mode" in pair["path"] else "native"
    headers = {**JSON, **{name.lower(): value for name, value in pair["headers"].items()}}
    assert told(seen(dialect, pair["body"], headers=headers)) == expected


def test_what_the_sdks_send_breaks_nothing() -> None:
    assert native({"result_format": "message", "incremental_output": True}, SSE) == []
    assert native({"incremental_output": True}, {**JSON, "accept": "text/event-stream"}) == []
    assert native({"incremental_output": False}, {**JSON, "accept": "application/json"}) == []
    assert chat({**JSON, "accept": "application/json"}, stream=True, stream_options={"include_usage": True}) == []
    assert chat(stream=False, stream_options=None) == []


def test_an_upload_is_asked_about_its_url_only() -> None:
    upload = seen("compatible", raw=b"--x", headers={"content-type": "multipart/form-data"}, schema=None)
    assert violations(upload) == ()


# The body as a whole


@pytest.mark.parametrize("raw", ["", "[]", "null", '"a"', "{", '{"a":NaN}', '{"a":"\\ud800"}', "\ufeff{}"])
def test_a_body_that_is_no_json_object(raw: str) -> None:
    assert [found.code for found in raw_chat(raw)] == ["body.not-json"]


def test_a_key_that_stands_twice() -> None:
    (found,) = raw_chat('{"model": "qwen-plus", "messages": [{"role": "user", "content": "a", "content": "b"}]}')
    assert (found.code, found.message) == (
        "body.duplicate-key",
        "The key 'content' stands twice in one object; the last one counts.",
    )


@pytest.mark.parametrize(
    "members",
    [
        '"n" :1,"x":"\\":","x":2',
        '"n"\n:1,"n":2',
        '"n":1,"\\u006e":2',
        '"\\u0022:":1,"n":1,"n":2',
    ],
    ids=["a blank", "a line end", "a number for a letter", "a number for a quote"],
)
def test_no_spelling_hides_a_key_that_stands_twice(members: str) -> None:
    found = raw_chat('{"model":"m","messages":[{"role":"user","content":"a"}],' + members + "}")
    assert [violation.code for violation in found] == ["body.duplicate-key"]


def test_a_key_that_stands_in_two_objects_or_in_a_text_does_not_stand_twice() -> None:
    text = r"{\"a\":1,\"a\":2} :"
    assert raw_chat(json.dumps({"model": "m", "messages": [USER, USER]})) == []
    assert raw_chat('{"model" :"m","messages":[{"role":"user","content":"' + text + '"}]}') == []


KEYS = st.sampled_from(["a", "b", "\u4f60", '"', ":", '":', "\\", ""])
TREES = st.recursive(
    st.one_of(KEYS, st.integers(), st.none()),
    lambda children: st.one_of(
        st.lists(children, max_size=3), st.lists(st.tuples(KEYS, children), max_size=4).map(tuple)
    ),
    max_leaves=12,
)


def written(draw: st.DrawFn, tree: Any) -> str:
    """A tree as JSON text in any spelling; a tuple is an object as pairs."""
    blank = st.sampled_from(["", "", "", " ", "\n", "\t "])
    if isinstance(tree, str):
        return '"' + "".join(draw(st.sampled_from(spellings(letter))) for letter in tree) + '"'
    if isinstance(tree, tuple):
        pairs = (written(draw, key) + draw(blank) + ":" + draw(blank) + written(draw, child) for key, child in tree)
        return "{" + draw(blank) + ",".join(pairs) + draw(blank) + "}"
    return "[" + ",".join(written(draw, child) for child in tree) + "]" if isinstance(tree, list) else json.dumps(tree)


def spellings(letter: str) -> list[str]:
    return [json.dumps(letter)[1:-1], json.dumps(letter, ensure_ascii=False)[1:-1], f"\\u{ord(letter):04x}"]


def repeated(tree: Any) -> set[str]:
    children = [child for _, child in tree] if isinstance(tree, tuple) else tree if isinstance(tree, list) else []
    here = [key for key, _ in tree] if isinstance(tree, tuple) else []
    return {key for key in here if here.count(key) > 1}.union(*map(repeated, children))


@given(st.data())
def test_keys_that_stand_twice_are_found_in_every_spelling(data: st.DataObject) -> None:
    tree = (("model", "m"), ("messages", data.draw(TREES)), *data.draw(st.lists(st.tuples(KEYS, TREES), max_size=3)))
    text = data.draw(st.composite(written)(tree))
    found = {violation.message for violation in raw_chat(text) if violation.code == "body.duplicate-key"}
    assert found == {f"The key {key!r} stands twice in one object; the last one counts." for key in repeated(tree)}


# Headers and URL


def test_a_content_type_that_is_missing_or_another() -> None:
    assert chat({}) == [("header.content-type", "")]
    assert chat({"content-type": "text/plain"}) == [("header.content-type", "")]
    assert chat({"content-type": "Application/JSON; charset=utf-8"}) == []


@pytest.mark.parametrize("query", [b"api_key=abc", b"x=sk-abc", b"Key=1", b"sk-abc", b"sk-abc=1", b"a=1&token=t"])
def test_a_secret_in_the_url_is_found_and_not_repeated(query: bytes) -> None:
    (found,) = violations(seen("native", query=query, schema=None))
    assert found.code == "url.secret"
    assert "abc" not in found.message


@pytest.mark.parametrize(
    "query", [b"limit=10&after=file-fe-1", b"purpose=file-extract", b"key=", b"q=risk-x", b"%ff=%"]
)
def test_other_queries_hold_no_secret(query: bytes) -> None:
    assert violations(seen("native", query=query, schema=None)) == ()


# The switch for streams


def test_a_parameter_of_streams_without_the_switch() -> None:
    assert native({"incremental_output": True}) == [("sse.missing", "/parameters/incremental_output")]
    assert native({"stream": True}) == [("sse.missing", "/parameters/stream")]
    assert native(stream=True) == [("sse.missing", "/stream")]
    assert native(headers={**JSON, "x-dashscope-sse": "true"}) == [("sse.missing", "")]
    assert chat(stream_options={"include_usage": True}) == [("sse.missing", "/stream_options")]


def test_switches_that_contradict_each_other() -> None:
    both = {**JSON, "accept": "text/event-stream", "x-dashscope-sse": "disable"}
    assert native(headers=both) == [("sse.contradictory", "")]
    assert native(headers={**both, "x-dashscope-sse": "enable"}) == []
    assert chat(SSE) == [("sse.contradictory", "")]
    assert chat(SSE, stream=True) == []


# Places


def test_a_parameter_in_the_wrong_place() -> None:
    assert native(result_format="message") == [("parameter.misplaced", "/result_format")]
    assert native(messages=[USER]) == [("parameter.misplaced", "/messages")]
    assert native({"prompt": "hi"}) == [("parameter.misplaced", "/parameters/prompt")]
    given = {"messages": [USER], "temperature": 1, "seed": 1}
    misplaced = [("parameter.misplaced", "/input/temperature"), ("parameter.misplaced", "/input/seed")]
    assert native(input=given) == misplaced
    assert chat(parameters={"temperature": 1}) == [("parameter.misplaced", "/parameters")]
    assert chat(extra_body={"enable_search": True}) == [("parameter.misplaced", "/extra_body")]


def test_a_parameter_in_its_place_or_unknown_to_the_service() -> None:
    assert native({"result_format": "message", "temperature": 1, "made_up": 1}, user="me") == []
    assert chat(temperature=1, enable_search=True, user="me") == []


def test_history_is_deprecated() -> None:
    given = {"prompt": "and now?", "history": [{"user": "hi", "bot": "hello"}]}
    assert native(input=given) == [("input.history", "/input/history")]
    assert native(input={"prompt": "and now?", "history": None}) == []


# The schema


def test_a_breach_of_the_schema_has_its_rule_in_the_code_and_its_place() -> None:
    assert chat(temperature=9) == [("schema.exclusiveMaximum", "/temperature")]
    assert chat(messages=[{"role": "user"}]) == [("schema.required", "/messages/0")]
    assert native({"top_p": "much"}) == [("schema.type", "/parameters/top_p")]
    assert chat(temperature=1.9) == []


def test_a_large_body_is_not_searched_for_the_place() -> None:
    large = {"role": "user", "content": "x" * EXPLAINED}
    assert chat(messages=[large], temperature=9) == [("schema", "")]
    assert chat(messages=[large]) == []


# Any request at all

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text() | st.just("\ud800"),
    lambda children: st.lists(children) | st.dictionaries(st.text() | st.sampled_from(["messages", "input"]), children),
    max_leaves=10,
)
FIELDS = st.sampled_from(["model", "messages", "input", "parameters", "stream", "tools", "stop", "history", "seed"])


@given(
    st.sampled_from(sorted(SCHEMAS)),
    st.dictionaries(FIELDS, st.dictionaries(FIELDS, VALUES) | VALUES) | VALUES,
    st.binary(),
)
@example("native", {"model": 2**70, "input": {"messages": ["\ud800"]}}, b"{" * 100_000)
def test_no_body_makes_a_check_fail(dialect: str, body: Any, raw: bytes) -> None:
    request = Seen(dialect, "chat", JSON, b"", raw, body, SCHEMAS[dialect])
    assert len(violations(request)) <= MAX_VIOLATIONS
    assert all(explanation(found.code) for found in violations(request))


@pytest.mark.parametrize("depth", [100, 300, 1000])
def test_a_body_nested_beyond_reason_is_judged_all_the_same(depth: int) -> None:
    raw = '{"model":"m","messages":[{"role":"user","content":' + "[" * depth + "]" * depth + "}]}"
    assert {found.code for found in raw_chat(raw)} & {"schema.type", "schema.anyOf", "body.not-json"}


def test_what_is_said_is_bounded() -> None:
    long = "k" * 100_000
    told_of = raw_chat("{" + ",".join(f'"{key}":1,"{key}":2' for key in (long, *range(1000))) + "}")
    assert len(told_of) == MAX_VIOLATIONS
    assert max(len(found.message) for found in told_of) <= SHOWN


def test_many_keys_and_one_that_stands_twice_take_no_long_time() -> None:
    many = ",".join(f'"{number}":1' for number in range(200_000))
    found = raw_chat('{"a":1,"a":1,' + many + "}")
    assert found[0].code == "body.duplicate-key"


def test_the_same_request_is_told_the_same_in_the_same_order() -> None:
    body: dict[str, Any] = {"top_p": 1, "seed": 1, "n": 1, "stop": "x", "tools": []}
    assert native(**body)[:5] == [("parameter.misplaced", f"/{name}") for name in body]


# The explanations

VIOLATIONS = {
    "body.not-json",
    "body.duplicate-key",
    "header.content-type",
    "url.secret",
    "sse.missing",
    "sse.contradictory",
    "parameter.misplaced",
    "input.history",
    "schema",
}


def test_every_code_is_explained_in_both_languages_and_no_other_is() -> None:
    kinds = {code: row["kind"] for code, row in explanations().items()}
    assert {code for code, kind in kinds.items() if kind == "violation"} == VIOLATIONS
    assert {code for code, kind in kinds.items() if kind == "finding"} == set(verdict.CODES)
    for row in explanations().values():
        for language in ("en", "zh"):
            assert {"what", "why", "fix"} <= set(row[language])
            assert all(row[language].values())
        assert any("\u4e00" <= letter <= "\u9fff" for letter in row["zh"]["what"])


def test_the_rules_of_the_schema_share_one_explanation() -> None:
    assert explanation("schema.required") == explanation("schema") == explanations()["schema"]
    assert explanation("schematic") is None
