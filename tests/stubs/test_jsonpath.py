"""The small part of JSONPath."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.stubs.jsonpath import PathError, find, parse

BODY: dict[str, Any] = {"a": {"b": [1, 2, {"c d": 3}]}, "list": [{"x": 1}, {"x": 2}, 5], "e": {}}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(alphabet="abc-_ d.[", max_size=4), inner, max_size=4)
    ),
)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", (BODY,)), ("$.a.b[0]", (1,)), ("$.a.b[-1]['c d']", (3,)), ('$["a"].b[1]', (2,)), ("$.list[*].x", (1, 2)),
        ("$.list.*.x", (1, 2)), ("$.a.*", (BODY["a"]["b"],)), ("$.a.b[9]", ()), ("$.nope.b", ()), ("$.a[0]", ()),
        ("$.e.*", ()),
    ],
)  # fmt: skip
def test_a_path_leads_to_its_values(path: str, found: tuple[Any, ...]) -> None:
    assert find(path, BODY) == found


@pytest.mark.parametrize("path", ["", "a.b", "$.", "$..a", "$.a[", "$.a[?(@.b)]", "$.a[0:1]", "$.a b", "$a", "$['a"])
def test_what_is_outside_is_refused(path: str) -> None:
    with pytest.raises(PathError, match="is no path"):
        parse(path)


@given(json_values)
def test_every_value_can_be_reached(value: Any) -> None:
    def reach(path: str, inner: Any) -> None:
        assert any(found is inner for found in find(path, value))
        if isinstance(inner, dict):
            for key, child in inner.items():
                reach(f"{path}['{key}']", child)
        if isinstance(inner, list):
            for index, child in enumerate(inner):
                reach(f"{path}[{index}]", child)

    reach("$", value)
