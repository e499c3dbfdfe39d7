"""YAML and JSON texts as plain values, and the line on which a value stands.

YAML is read with the core schema of version 1.2, so it means what JSON means: `on`, `no` and dates are texts.
There are no tags and no merge keys; a key that stands twice is an error; what aliases unfold to is counted,
so that a small file cannot become a large value.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from yaml import Node

__all__ = ["BadTextError", "from_json", "from_yaml", "line_of"]

MOST_VALUES = 100_000
DEEPEST = 50

_CORE: Mapping[str, bool | None] = {
    **dict.fromkeys(("null", "Null", "NULL", "~", ""), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]{1,300}")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_MAP = "tag:yaml.org,2002:map"
_TAGS = frozenset({_MAP, "tag:yaml.org,2002:seq", "tag:yaml.org,2002:str"})


class BadTextError(ValueError):
    """The text is neither. `line` counts from 1, None if it is not known."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


def from_json(text: str) -> Any:
    """The value of a JSON text. Raises `BadTextError`."""
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise BadTextError(error.msg, error.lineno) from error
    except (RecursionError, ValueError) as error:
        raise BadTextError(str(error), getattr(error, "line", None)) from error
    return _shallow(value)


def from_yaml(text: str) -> Any:
    """The value of a YAML text with one document. Raises `BadTextError`."""
    node = _composed(text)
    return None if node is None else _shallow(_value(node, count(1)))


def line_of(text: str, path: Iterable[str | int]) -> int | None:
    """The line, from 1, on which the value at a path stands, as near as the text allows."""
    try:
        node = _composed(text)
    except BadTextError:
        return None
    for part in path:
        node = next((child for key, child in _children(node) if key == part), None) or node
    return None if node is None else node.start_mark.line + 1


def _composed(text: str) -> "Node | None":
    import yaml  # noqa: PLC0415 - only who has stub files pays for it

    try:
        return yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        said = [getattr(error, part, None) for part in ("context", "problem", "reason")]
        raise BadTextError(", ".join(filter(None, said)) or str(error), mark and mark.line + 1) from error
    except RecursionError as error:
        raise BadTextError("nested too deep") from error


def _children(node: "Node | None") -> Iterator[tuple[str | int, "Node"]]:
    if node is None or isinstance(node.value, str):
        return
    for at, child in enumerate(node.value):
        yield (child[0].value, child[1]) if isinstance(child, tuple) else (at, child)


def _value(node: "Node", counter: Iterator[int]) -> Any:
    line = node.start_mark.line + 1
    if next(counter) > MOST_VALUES:
        raise BadTextError(f"there are more than {MOST_VALUES} values", line)
    if node.tag not in _TAGS:
        raise BadTextError(f"the tag {node.tag!r} is not read here", line)
    if isinstance(node.value, str):
        return _scalar(node.value, line) if getattr(node, "style", None) is None else node.value
    try:
        if node.tag == _MAP:
            return _mapping(node, counter)
        return [_value(child, counter) for child in node.value]
    except RecursionError as error:
        raise BadTextError("nested too deep", line) from error


def _mapping(node: "Node", counter: Iterator[int]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, child in node.value:
        _put(found, _value(key, counter), _value(child, counter), key.start_mark.line + 1)
    return found


def _scalar(text: str, line: int) -> Any:
    """A scalar without quotes, by the core schema."""
    if text in _CORE:
        return _CORE[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return _finite(text, line) if _NUMBER.fullmatch(text) else text


def _finite(text: str, line: int) -> float:
    number = float(text)
    if number in {float("inf"), float("-inf")}:
        raise BadTextError(f"{text} is too large a number", line)
    return number


def _object(pairs: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        _put(found, key, value, None)
    return found


def _put(found: dict[str, Any], key: Any, value: Any, line: int | None) -> None:
    if not isinstance(key, str):
        raise BadTextError(f"the key {key!r} is no text; put it in quotes", line)
    if key in found:
        raise BadTextError(f"the key {key!r} stands twice", line)
    found[key] = value


def _no_constant(name: str) -> Any:
    raise BadTextError(f"{name} is no JSON")


def _shallow(value: Any, depth: int = 0) -> Any:
    """The value itself, if it is not nested too deep."""
    if depth > DEEPEST:
        raise BadTextError(f"nested deeper than {DEEPEST} levels")
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        _shallow(child, depth + 1)
    return value
