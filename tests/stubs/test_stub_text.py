"""YAML and JSON as plain values."""

import json
import re
from contextlib import suppress
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mockserver.stubs.text import BadTextError, from_json, from_yaml, line_of

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)
printable = st.text(st.characters(blacklist_categories=("Cs", "Cc")) | st.just("\n"))
texts = printable.filter(lambda text: not re.fullmatch(r"[-+.\deE]+", text))  # 1e3 is a number since YAML 1.2 only


@given(json_values)
def test_a_json_text_has_its_value(value: Any) -> None:
    assert from_json(json.dumps(value)) == value


@given(
    st.dictionaries(st.text(alphabet="abc", min_size=1), st.lists(texts | st.booleans() | st.integers() | st.none()))
)
def test_what_a_yaml_writer_writes_is_read(value: Any) -> None:
    assert from_yaml(yaml.safe_dump(value, allow_unicode=True)) == value


@pytest.mark.parametrize(
    "text", ["on", "no", "2024-01-01", "12:30:00", "1_000", "0x1F", "<<", "=", ".inf", "NaN", "yes", "+.e1"]
)
def test_what_is_no_json_scalar_is_a_text(text: str) -> None:
    assert from_yaml(f"a: {text}") == {"a": text}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("007", 7),
        ("-3", -3),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("true", True),
        ("~", None),
        ("", None),
        ("'1'", "1"),
        ('"true"', "true"),
    ],
)
def test_plain_scalars_follow_the_core_schema(text: str, value: Any) -> None:
    found = from_yaml(f"a: {text}")["a"]
    assert (found, type(found)) == (value, type(value))


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 9) + "]" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "says", "line"),
    [
        ("a: 1\nb: [", "expected the node content", 2),
        ("a: 1\n\ta: 2", "found character", 2),
        ("a: 1\nb: 2\na: 3", "'a' stands twice", 3),
        ("1: x", "the key 1 is no text", 1),
        ("a: !!python/object:os.system x", "tag", 1),
        ("a: !!set {x}", "tag", 1),
        ("a: !x y", "tag", 1),
        ("a: &a [*a]", "deep", None),
        (bomb(12), "more than 100000 values", None),
        ("[" * 2000 + "]" * 2000, "nested", None),
        ("[" * 60 + "]" * 60, "nested deeper than 50", None),
        ("a: 1e999", "too large", 1),
        ("a: *nope", "undefined alias", 1),
        ("a\n---\nb", "expected a single document", None),
    ],
    ids=lambda each: str(each)[:30],
)
def test_bad_yaml_is_refused_with_its_line(text: str, says: str, line: int | None) -> None:
    with pytest.raises(BadTextError, match=says) as caught:
        from_yaml(text)
    assert line is None or caught.value.line == line


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{\n1}", "Expecting"),
        ('{"a":1,"a":2}', "stands twice"),
        ("NaN", "no JSON"),
        ("[" * 100_000, "."),
        ("1" * 5000, "digits"),
    ],
    ids=lambda each: each[:20],
)
def test_bad_json_is_refused(text: str, says: str) -> None:
    with pytest.raises(BadTextError, match=says):
        from_json(text)


@given(st.text(alphabet="ab: -[]{},&*!'\"\n#|>?\t", max_size=40) | st.text(max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (from_yaml, from_json):
        with suppress(BadTextError):
            read(text)


def test_the_line_of_a_place() -> None:
    text = "stubs:\n  - name: a\n\n  - name: b\n    error:\n      after: 3\n"
    assert line_of(text, ("stubs", 1, "error", "after")) == 6
    assert line_of(text, ("stubs", 1, "reply")) == 4
    assert line_of("{", ()) is None
    assert line_of('{\n "stubs": [\n {},\n 5\n]}', ("stubs", 1)) == 4
