import json
import re
from random import Random
from time import process_time
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mockserver.engine import patterns, structured
from mockserver.engine.mentions import Mentions

QUESTIONS = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [
            "杭州和上海明天的天气怎么样？要3天的",
            'Send "hello" to bob@example.com at 10, 20 and 30 in Paris, not London',
            "convert 12.5 USD to EUR on 2024-05-01",
            "red or green, 7 of them, {topic}",
        ]
    ),
)


def dice(seed: int = 1) -> Random:
    return Random(seed)  # noqa: S311 - repeatable, not secret


NAMES = st.sampled_from(["city", "count", "query", "unit", "name", "date", "items", "地点", "x_1"])


def bounds(low: str, high: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Two optional bounds, never the wrong way round."""
    pairs = st.tuples(values, values).map(lambda pair: {low: min(pair), high: max(pair)})
    return pairs.flatmap(
        lambda both: st.sets(st.sampled_from([low, high])).map(lambda keep: {k: both[k] for k in keep})
    )


INTEGERS = st.one_of(
    bounds("minimum", "maximum", st.integers(-1000, 1000)),
    st.integers(-50, 50).map(lambda low: {"exclusiveMinimum": low, "exclusiveMaximum": low + 2}),
    st.integers(1, 20).map(lambda step: {"multipleOf": step, "minimum": -step}),
).map(lambda keywords: {"type": "integer", **keywords})
NUMBERS = st.one_of(
    bounds("minimum", "maximum", st.floats(-1e6, 1e6)),
    st.floats(-100, 100).map(lambda low: {"exclusiveMinimum": low, "exclusiveMaximum": low + 0.5}),
    st.sampled_from([{"multipleOf": 0.5}, {"multipleOf": 0.01, "minimum": 0.005}]),
).map(lambda keywords: {"type": "number", **keywords})
PATTERNS = st.sampled_from(
    [
        r"^[A-Z]{3}$",
        r"^\d{4}-\d{2}$",
        r"^(?:red|green|blue)-[a-f0-9]{2,4}$",
        r"^[^\s@]+@[^\s@]+\.com$",
        r"[\u4e00-\u9fa5]{2,}",
        r"^(a+)+$",
        r"^\w+(?:\.\w+)*$",
    ]
)
STRINGS = st.one_of(
    bounds("minLength", "maxLength", st.integers(0, 80)),
    PATTERNS.map(lambda pattern: {"pattern": pattern}),
    st.sampled_from(["date", "date-time", "time", "email", "uri", "uuid", "ipv4", "ipv6", "hostname"]).map(
        lambda name: {"format": name}
    ),
).map(lambda keywords: {"type": "string", **keywords})
LEAVES = st.one_of(
    INTEGERS,
    NUMBERS,
    STRINGS,
    st.sampled_from([{"type": "boolean"}, {"type": "null"}, {"type": ["string", "null"]}, {}, True]),
    st.lists(st.one_of(st.text(max_size=5), st.integers(-5, 5), st.none()), min_size=1, max_size=4).map(
        lambda values: {"enum": values}
    ),
    st.one_of(st.integers(), st.text(max_size=5)).map(lambda value: {"const": value}),
)


def arrays(items: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    plain = st.tuples(items, bounds("minItems", "maxItems", st.integers(0, 4)))
    many = st.sampled_from(
        [{"type": "integer"}, {"type": "integer", "multipleOf": 7, "minimum": -3}, {"type": "string"}]
    )
    unique = st.tuples(many, st.integers(0, 6).map(lambda least: {"minItems": least, "uniqueItems": True}))
    return st.one_of(plain, unique).map(lambda pair: {"type": "array", "items": pair[0], **pair[1]})


@st.composite
def objects(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> dict[str, Any]:
    properties = draw(st.dictionaries(NAMES, values, max_size=5))
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    if draw(st.booleans()) and properties:
        schema["required"] = draw(st.lists(st.sampled_from(sorted(properties)), unique=True))
    if draw(st.booleans()):
        schema["additionalProperties"] = draw(st.sampled_from([False, {"type": "integer"}]))
    if draw(st.booleans()) and len(properties) > 1:
        first, second, *_ = sorted(properties)
        schema["dependentRequired"] = {first: [second]}
    return schema


def choices(values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of(
        st.lists(values, min_size=1, max_size=3).map(lambda branches: {"anyOf": branches}),
        values.map(lambda value: {"allOf": [value, True]}),
        objects(values).map(lambda part: {"allOf": [part, {"required": list(part["properties"])}]}),
    )


SCHEMAS = st.recursive(LEAVES, lambda inner: st.one_of(arrays(inner), objects(inner), choices(inner)), max_leaves=8)


def satisfies(value: object, schema: object) -> bool:
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    return jsonschema.Draft202012Validator(schema, format_checker=checker).is_valid(value)  # type: ignore[arg-type]


@given(objects(SCHEMAS), QUESTIONS, st.integers(0, 2**32), st.booleans())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_value_satisfies_its_schema(schema: dict[str, Any], question: str, seed: int, complete: bool) -> None:
    value = structured.fill(schema, question, dice(seed), complete=complete)
    assert satisfies(value, schema)
    assert json.loads(structured.dumps(value)) == value
    assert value == structured.fill(schema, question, dice(seed), complete=complete)


def fill(properties: dict[str, Any], question: str, **keywords: Any) -> Any:
    schema = {"type": "object", "properties": properties, "required": list(properties), **keywords}
    value = structured.fill(schema, question, dice())
    assert satisfies(value, schema)
    return value


def test_a_place_is_found_in_both_languages() -> None:
    assert fill({"location": {"type": "string"}}, "浙江省杭州市天气怎么样") == {"location": "浙江省杭州市"}
    assert fill({"city": {"type": "string"}}, "weather in san francisco please") == {"city": "San Francisco"}
    route = {
        "from": {"type": "string", "description": "departure city"},
        "to": {"type": "string", "description": "city"},
    }
    assert fill(route, "从北京到上海的火车") == {"from": "北京", "to": "上海"}


def test_numbers_quotations_and_enum_values_come_from_the_question() -> None:
    properties = {
        "a": {"type": "integer"},
        "b": {"type": "number"},
        "title": {"type": "string"},
        "unit": {"enum": ["metric", "imperial"]},
        "cities": {"type": "array", "items": {"type": "string"}},
    }
    question = "add 3 and 1,204.5 in imperial units to “春天” for Paris and Rome on 2024-05-01"
    expected = {"a": 3, "b": 1204.5, "title": "春天", "unit": "imperial", "cities": ["Paris", "Rome"]}
    assert fill(properties, question) == expected


def test_dates_addresses_sums_and_codes_are_recognised() -> None:
    properties = {
        "date": {"type": "string", "format": "date"},
        "email": {"type": "string"},
        "expression": {"type": "string"},
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
    }
    question = "2024年5月1日 mail bob@example.com that 12 * (3+4) is in USD"
    expected = {
        "date": "2024-05-01",
        "email": "bob@example.com",
        "expression": "12 * (3+4)",
        "currency": "USD",
    }
    assert fill(properties, question) == expected


def test_optional_properties_are_filled_when_they_are_mentioned_or_all_are_wanted() -> None:
    schema = {
        "type": "object",
        "properties": {"location": {"type": "string"}, "unit": {"enum": ["celsius", "fahrenheit"]}},
        "required": ["location"],
    }
    assert structured.fill(schema, "weather in Oslo", dice()) == {"location": "Oslo"}
    assert structured.fill(schema, "Oslo in Fahrenheit", dice()) == {
        "location": "Oslo",
        "unit": "fahrenheit",
    }
    assert set(structured.fill(schema, "Oslo", dice(), complete=True)) == {"location", "unit"}


@pytest.mark.parametrize(
    "schema",
    [
        {
            "type": "object",
            "properties": {"node": {"$ref": "#/$defs/node"}},
            "required": ["node"],
            "$defs": {
                "node": {
                    "type": "object",
                    "required": ["next"],
                    "properties": {"next": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/node"}]}},
                }
            },
        },
        {
            "type": "object",
            "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
            "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        },
        {
            "type": "object",
            "properties": {"kind": {"enum": ["a", "b"]}, "x": {"type": "string"}},
            "required": ["kind"],
            "if": {"properties": {"kind": {"const": "a"}}},
            "then": {"required": ["x"]},
        },
        {
            "type": "object",
            "minProperties": 2,
            "propertyNames": {"pattern": "^[a-z]{3}$"},
            "additionalProperties": {"type": "integer"},
        },
        {
            "type": "object",
            "patternProperties": {"^n_": {"type": "integer"}},
            "required": ["n_1"],
            "additionalProperties": False,
        },
        {
            "type": "array",
            "prefixItems": [{"type": "string"}, {"type": "integer"}],
            "items": False,
            "minItems": 2,
        },
        {"type": "array", "contains": {"const": 7}, "minContains": 2, "items": {"type": "integer"}},
        {"type": "array", "items": {"enum": ["a", "b", "c"]}, "uniqueItems": True, "minItems": 3},
        {
            "allOf": [{"$ref": "#/$defs/base"}, {"properties": {"age": {"minimum": 18}}}],
            "$defs": {
                "base": {
                    "type": "object",
                    "properties": {"age": {"type": "integer", "maximum": 20}},
                    "required": ["age"],
                }
            },
        },
        {
            "type": "object",
            "properties": {"flag": {"not": {"const": True}, "type": "boolean"}},
            "required": ["flag"],
        },
        {"type": "object", "properties": {"t": {"type": "string", "minLength": 5000}}, "required": ["t"]},
        {
            "properties": {"s": {"type": "string", "pattern": "^a", "minLength": 9, "maxLength": 10}},
            "required": ["s"],
        },
    ],
)
def test_the_finer_keywords_are_satisfied(schema: dict[str, Any]) -> None:
    for seed in range(5):
        value = structured.fill(schema, "杭州 3", dice(seed), complete=True)
        assert satisfies(value, schema), value


@pytest.mark.parametrize(
    "schema",
    [
        "not-a-schema",
        None,
        True,
        [],
        {},
        {"type": "not-a-type"},
        {"type": "integer", "minimum": 5, "maximum": 3},
        {"$ref": "http://example.com/schema"},
        {"$ref": "#/nowhere"},
        {"type": "object", "properties": {"a": False}, "required": ["a"]},
        {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
        {"allOf": [{"$ref": "#"}, {"$ref": "#"}], "required": ["a"]},
        {"properties": {"a": {"pattern": "(((("}}, "required": ["a"], "type": 7},
    ],
)
def test_what_is_no_schema_or_cannot_be_satisfied_gives_an_empty_object(schema: object) -> None:
    assert structured.fill(schema, "杭州", dice()) == {}


def test_a_schema_with_a_common_mistake_still_gets_arguments() -> None:
    schema = {"type": "object", "properties": {"location": {"type": "string", "required": True}}}
    assert structured.fill(schema, "杭州天气", dice()) == {"location": "杭州"}


def bomb(keyword: str, leaf: object) -> dict[str, Any]:
    """Every definition names the next one twice: 2 to the power of 60 ways."""
    definitions: dict[str, Any] = {f"d{i}": {keyword: [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(60)}
    return {"$ref": "#/$defs/d0", "$defs": {**definitions, "d60": leaf}}


def nested_lists(depth: int, count: int) -> dict[str, Any]:
    inner = nested_lists(depth - 1, count) if depth else {"type": "integer"}
    return {"type": "array", "minItems": count, "items": inner}


@pytest.mark.parametrize(
    "schema",
    [
        bomb("allOf", {"type": "object"}),
        bomb("anyOf", {"type": "object", "required": ["x"], "properties": {"x": False}}),
        {"type": "array", "minItems": 10**9, "items": {"type": "array", "minItems": 10**9}},
        {"type": "object", "minProperties": 10**9},
        nested_lists(depth=5, count=150),
        {"type": "object", "properties": {"a": {"type": "string", "minLength": 10**12}}, "required": ["a"]},
        {"properties": {"a": {"type": "string", "pattern": "^((a+)+b?)+\\1$"}}, "required": ["a"]},
        {"properties": {"a": {"type": "string", "pattern": "((x{500}){500}){500}"}}, "required": ["a"]},
        {"properties": {"a": {"type": "string", "pattern": "(" * 5000}}, "required": ["a"]},
        {"required": [f"k{i}" for i in range(5000)]},
    ],
)
def test_a_hostile_schema_costs_a_bounded_time(schema: dict[str, Any]) -> None:

    start = process_time()
    value = structured.fill(schema, "a" * 5000, dice(), complete=True)
    assert process_time() - start < 5  # seconds
    assert len(structured.dumps(value)) < 1_000_000


@given(st.from_regex(r"[a-c\[\]().*+?{}|^$\\d0-9,-]{0,12}", fullmatch=True), st.integers(0, 99))
def test_any_pattern_is_answered_or_refused(pattern: str, seed: int) -> None:
    try:
        text = patterns.generate(pattern, dice(seed), longest=50)
    except patterns.UnsupportedPatternError:
        return
    assert len(text) <= 8000


@given(PATTERNS, st.integers(0, 2**32))
def test_a_generated_string_matches_its_pattern(pattern: str, seed: int) -> None:
    assert re.search(pattern, patterns.generate(pattern, dice(seed), longest=40))


@given(st.text())
def test_any_question_can_be_searched_for_mentions(question: str) -> None:
    mentions = Mentions.of(question)
    for kind in ("place", "date", "expression", "person", "email", "url", "code", "file", ""):
        assert all(isinstance(value, str) for value in mentions.of_kind(kind))
    assert mentions.topic
    assert all(isinstance(number, int | float) for number in mentions.numbers)


def test_a_lone_surrogate_in_a_schema_is_escaped() -> None:
    assert structured.dumps({"a": "\ud800"}) == '{"a": "\\ud800"}'
