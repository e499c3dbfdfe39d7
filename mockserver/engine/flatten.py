"""A JSON Schema made plain: references resolved, `allOf` joined, one branch of every choice taken.

A `Flattener` does this for one level only (the keywords that speak about the same value); subschemas of
properties and items are joined lazily, as an `allOf` of both. `walks` tells how many ways lead through a
schema: few bytes of shared references can mean millions, which neither we nor a validator should walk.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import unquote

Schema = Mapping[str, Any]
Choose = Callable[[Sequence[Any]], Any]

MANY = 100_000
_DEEPEST = 40
_IN_PLACE = frozenset(("$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "if", "then", "else", "$defs", "definitions"))


class UnsatisfiableError(ValueError):
    """No value was found within the bounds; possibly there is none."""


@dataclass(slots=True)
class Flattener:
    """Flattens levels of `root`. `choose` takes one branch of a choice; `room` bounds all the work."""

    root: Schema
    choose: Choose
    room: int

    def flatten(self, schema: Any, depth: int = 0) -> Schema:
        """The schema without references and choices.

        Raises:
            UnsatisfiableError: the schema is `false`, refers to nothing, or goes round in circles.
        """
        self.room -= 1
        if schema is True:
            return {}
        if not isinstance(schema, Mapping) or depth > _DEEPEST or self.room < 0:
            raise UnsatisfiableError("no value satisfies this schema")
        flat: Schema = {key: value for key, value in schema.items() if key not in _IN_PLACE}
        for part in self._parts(schema):
            flat = _join(flat, self.flatten(part, depth + 1))
        return flat

    def _parts(self, schema: Schema) -> list[Any]:
        parts = [resolve(schema[key], self.root) for key in ("$ref", "$dynamicRef") if key in schema]
        parts += schema.get("allOf", ())
        parts += [self.choose(schema[key]) for key in ("anyOf", "oneOf") if schema.get(key)]
        if "if" in schema:
            met = _both(schema["if"], schema.get("then", True))
            parts.append(self.choose([met, schema.get("else", True)]))
        return parts


def resolve(reference: str, root: Schema) -> Any:
    """What a local reference (`#`, `#/$defs/a`, `#anchor`) points to.

    Raises:
        UnsatisfiableError: it points to nothing, or out of the schema.
    """
    if not reference.startswith("#"):
        raise UnsatisfiableError(f"{reference} is not in the schema")
    found: Any = root
    if reference[1:2] not in ("", "/"):
        return _anchored(reference[1:], root)
    for step in reference.split("/")[1:]:
        key = unquote(step).replace("~1", "/").replace("~0", "~")
        try:
            found = found[int(key)] if isinstance(found, list) else found[key]
        except (KeyError, IndexError, TypeError, ValueError):
            raise UnsatisfiableError(f"{reference} points to nothing") from None
    return found


def _anchored(anchor: str, root: Schema) -> Any:
    for definition in root.get("$defs", {}).values():
        if anchor in (definition.get("$anchor"), definition.get("$dynamicAnchor")):
            return definition
    raise UnsatisfiableError(f"#{anchor} points to nothing")


def _join(first: Schema, second: Schema) -> Schema:
    """Both at once; where that cannot be said in one keyword, the second wins."""
    shared = {key: _JOINS[key](first[key], second[key]) for key in second if key in first and key in _JOINS}
    return {**first, **second, **shared}


def _both(first: Any, second: Any) -> Any:
    return {"allOf": [first, second]}


def _each(first: Schema, second: Schema) -> Schema:
    return {**first, **{key: _both(first[key], sub) if key in first else sub for key, sub in second.items()}}


def _types(first: Any, second: Any) -> list[str]:
    left, right = ([kind] if isinstance(kind, str) else kind for kind in (first, second))
    common = [kind for kind in left if kind in right]
    return common or (["integer"] if {"integer", "number"} <= {*left, *right} else common)


_JOINS: Mapping[str, Callable[[Any, Any], Any]] = {
    "type": _types,
    "enum": lambda first, second: [value for value in first if value in second],
    "required": lambda first, second: list(dict.fromkeys([*first, *second])),
    "properties": _each,
    "patternProperties": _each,
    "dependentRequired": lambda first, second: {**first, **second},
    **dict.fromkeys(("items", "additionalProperties", "contains", "propertyNames"), _both),
    **dict.fromkeys(
        (
            "minimum",
            "exclusiveMinimum",
            "minLength",
            "minItems",
            "minProperties",
            "minContains",
            "multipleOf",
        ),
        max,
    ),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), min),
    "uniqueItems": lambda first, second: first or second,
}


def walks(root: Schema) -> int:
    """The number of ways through a schema, at most about `MANY`; a circle counts once."""
    known: dict[int, int] = {}

    def count(node: Any, depth: int) -> int:
        if depth > 4 * _DEEPEST:
            return MANY
        if not isinstance(node, Mapping | list):
            return 0
        if id(node) not in known:
            known[id(node)] = 1
            known[id(node)] = min(MANY, 1 + sum(count(child, depth + 1) for child in _children(node, root)))
        return known[id(node)]

    return count(root, 0)


def _children(node: Any, root: Schema) -> Sequence[Any]:
    if isinstance(node, list):
        return node
    children = list(node.values())
    if isinstance(node.get("$ref"), str):
        try:
            children.append(resolve(cast("str", node["$ref"]), root))
        except UnsatisfiableError:
            return children
    return children
