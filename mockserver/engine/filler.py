"""One guess at a value for a JSON Schema, keyword by keyword, without looking back.

What a keyword forbids elsewhere in the schema may be overlooked here: `structured` has every guess judged
and asks for another one, with a higher `turn`, where this one fails.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Any

from mockserver.engine import scalars
from mockserver.engine.flatten import Flattener, Schema, UnsatisfiableError
from mockserver.engine.mentions import Mentions, kind_of, words_of
from mockserver.engine.phrases import book

ATTEMPTS = 16
_DEEPEST = 24
_SHALLOW = 4  # below this depth only what is required is filled in
_MOST_ITEMS = 200
_ROOM = 10_000  # steps of the first guess; later ones get less
_TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")
_TELLTALE = {
    "object": ("properties", "required", "additionalProperties", "patternProperties", "minProperties"),
    "array": ("items", "prefixItems", "minItems", "contains"),
    "number": ("minimum", "maximum", "multipleOf", "exclusiveMinimum", "exclusiveMaximum"),
}
_NOTHING = object()
_MADE = {
    "expression": "1 + 1",
    "email": "user@example.com",
    "url": "https://example.com/",
    "date": "2025-06-01",
    "currency": "CNY",
    "file": "notes.txt",
}


class Filler:
    """One guess; `turn` 0 makes the obvious choices, later turns vary them."""

    def __init__(  # noqa: PLR0913 - keyword-only
        self,
        root: Schema,
        mentions: Mentions,
        rng: Random,
        *,
        complete: bool,
        sentences: Sequence[str],
        skip: int,
        turn: int,
    ) -> None:
        self._mentions, self._rng = mentions, rng
        self._complete, self._sentences, self._skip, self._turn = complete, sentences, skip, turn
        self._flattener = Flattener(root, self._choose, _ROOM // (turn + 1))
        self._depth = 0
        self._used: list[Any] = []

    def value(self, schema: Any, name: str, depth: int) -> Any:
        """A value for one place of the tree. `name` is the property it belongs to."""
        if depth > _DEEPEST:
            raise UnsatisfiableError("nested too deeply")
        self._depth = depth
        flat = self._flattener.flatten(schema)
        if "const" in flat:
            return flat["const"]
        if "enum" in flat:
            return self._enum(flat)
        return self._typed(flat, name, depth)

    def _typed(self, flat: Schema, name: str, depth: int) -> Any:
        kind = self._type(flat, name, depth)
        if kind == "object":
            return self._object(flat, depth)
        if kind == "array":
            return self._array(flat, name, depth)
        if kind in ("integer", "number"):
            return self._number(flat, integer=kind == "integer")
        if kind == "string":
            return self._string(flat, name)
        return None if kind == "null" else self._boolean(flat)

    def _type(self, flat: Schema, name: str, depth: int) -> str:
        named = flat.get("type")
        kinds = [named] if isinstance(named, str) else list(named or ())
        if not kinds:
            return self._untyped(flat, name, depth)
        known = [kind for kind in kinds if kind in _TYPES]
        if not known:
            raise UnsatisfiableError(f"no type in {kinds}")
        solid = [kind for kind in known if kind != "null"] or known
        return str(self._rng.choice(known) if self._turn > ATTEMPTS // 2 else solid[0])

    def _untyped(self, flat: Schema, name: str, depth: int) -> str:
        told = next((kind for kind, keys in _TELLTALE.items() if any(key in flat for key in keys)), None)
        if told or depth == 0:
            return told or "object"
        numeric = {*book("zh")["numeric_keys"], *book("en")["numeric_keys"]}
        return "integer" if name and numeric.intersection(words_of(name)) else "string"

    def _choose(self, branches: Sequence[Any]) -> Any:
        """The branch the question speaks of, or the first that is more than null; deep down the smallest."""
        if self._turn and self._depth <= _SHALLOW:
            return self._rng.choice(branches)
        if self._depth > _SHALLOW:
            return min(branches, key=lambda branch: len(json.dumps(branch, default=str)))
        spoken = (branch for branch in branches if isinstance(branch, Mapping) and self._says(branch.get("const")))
        solid = (branch for branch in branches if branch not in ({"type": "null"}, False))
        return next(spoken, next(solid, branches[0]))

    def _says(self, value: Any) -> bool:
        if isinstance(value, str):
            return self._mentions.says(value)
        return not isinstance(value, bool) and value in self._mentions.numbers

    def _enum(self, flat: Schema) -> Any:
        values = flat["enum"]
        if not values:
            raise UnsatisfiableError("an empty enum")
        if self._turn:
            return self._rng.choice(values)
        spoken = next((value for value in values if self._says(value)), None)
        return spoken if spoken is not None else flat["default"] if flat.get("default") in values else values[0]

    def _boolean(self, flat: Schema) -> bool:
        default = flat.get("default")
        if self._turn:
            return self._rng.random() < 0.5  # noqa: PLR2004 - a coin
        return default if isinstance(default, bool) else True

    def _number(self, flat: Schema, *, integer: bool) -> float:
        fresh = [number for number in self._mentions.numbers if number not in self._used]
        chosen = scalars.number(flat, fresh, self._rng, integer=integer, turn=self._turn)
        self._used.append(chosen)
        return chosen

    def _string(self, flat: Schema, name: str) -> str:
        kind = kind_of(name, str(flat.get("description", "")))
        offered = [*self._offers(kind), self._fallback(kind)]
        chosen = scalars.text(flat, offered, self._rng, turn=self._turn)
        self._used.append(chosen)
        return chosen

    def _offers(self, kind: str) -> list[str]:
        """What the question has for a kind, the unused first; a quotation may stand for any words."""
        found = self._fresh(self._mentions.of_kind(kind))
        free = kind in ("", "text", "person", "place", "file")
        return [*found, *self._fresh(self._mentions.quoted)] if free else found

    def _fresh(self, found: Sequence[str]) -> list[str]:
        rest = [value for value in found[self._skip :] if value not in self._used]
        return rest or [value for value in found if value not in self._used]

    def _fallback(self, kind: str) -> str:
        words = book(self._mentions.language)
        if kind == "place":
            return str(words["default_place"]) if words["default_place"] not in self._used else str(words["places"][1])
        if kind == "person":
            return str(self._rng.choice(words["names"]))
        if kind in _MADE:
            return _MADE[kind]
        return self._rng.choice(self._sentences) if self._sentences else self._mentions.topic

    def _object(self, flat: Schema, depth: int) -> dict[str, Any]:
        declared: Mapping[str, Any] = flat.get("properties", {})
        needed = _needed(flat)
        filled = {name: self._property(flat, name, depth) for name in needed}
        for name in declared:
            if name not in filled and len(filled) < flat.get("maxProperties", _MOST_ITEMS):
                self._try(filled, flat, name, depth)
        if depth == 0 and not filled and declared:
            first = next(iter(declared))
            filled[first] = self._property(flat, first, depth)
        self._enlarge(filled, flat, depth)
        return {name: filled[name] for name in (*declared, *filled) if name in filled}

    def _property(self, flat: Schema, name: str, depth: int) -> Any:
        schemas = [flat["properties"][name]] if name in flat.get("properties", ()) else []
        for pattern, schema in flat.get("patternProperties", {}).items():
            if scalars.validator({"pattern": pattern}).is_valid(name):
                schemas.append(schema)
        if not schemas:
            schemas = [flat.get("additionalProperties", True)]
        return self.value({"allOf": schemas}, name, depth + 1)

    def _try(self, filled: dict[str, Any], flat: Schema, name: str, depth: int) -> None:
        """An optional property: filled when wanted and possible, with those that depend on it."""
        used = list(self._used)
        try:
            if self._wanted(flat["properties"][name], name, depth):
                added = {name: self._property(flat, name, depth)}
                for other in flat.get("dependentRequired", {}).get(name, ()):
                    if other not in filled:
                        added[other] = self._property(flat, other, depth)
                filled.update(added)
        except UnsatisfiableError:
            self._used = used

    def _wanted(self, schema: Any, name: str, depth: int) -> bool:
        if self._turn:
            return depth < _SHALLOW and self._rng.random() < 0.5  # noqa: PLR2004 - a coin
        if self._complete:
            return depth < _SHALLOW
        flat = self._flattener.flatten(schema)
        values = flat.get("enum")
        if isinstance(values, list):
            return any(self._says(value) for value in values)
        kind = self._type(flat, name, depth + 1)
        if kind in ("integer", "number"):
            return any(number not in self._used for number in self._mentions.numbers)
        if kind == "array" and isinstance(flat.get("items"), Mapping):
            return depth < _SHALLOW and self._wanted(flat["items"], name, depth + 1)
        return kind == "string" and bool(self._offers(kind_of(name, str(flat.get("description", "")))))

    def _enlarge(self, filled: dict[str, Any], flat: Schema, depth: int) -> None:
        """Adds properties until there are enough: declared ones, then names the schema allows."""
        least = min(flat.get("minProperties", 0), _MOST_ITEMS)
        names = [*flat.get("properties", {}), *self._names(flat, least)]
        for name in names:
            if len(filled) < least and name not in filled:
                filled[name] = self._property(flat, name, depth)

    def _names(self, flat: Schema, count: int) -> Iterable[str]:
        allowed = flat.get("propertyNames", True)
        keys = list(flat.get("patternProperties", ()))
        for index in range(3 * count):
            if keys and flat.get("additionalProperties") is False:
                yield scalars.text({"pattern": keys[index % len(keys)]}, (), self._rng, turn=index + 1)
            elif isinstance(allowed, Mapping):
                yield self.value({"allOf": [{"type": "string"}, allowed]}, "", 1)
            else:
                yield f"key{index + 1}"

    def _array(self, flat: Schema, name: str, depth: int) -> list[Any]:
        least, most = flat.get("minItems", 0), flat.get("maxItems", _MOST_ITEMS)
        if least > _MOST_ITEMS:
            raise UnsatisfiableError("too many items")
        schemas = [*flat.get("prefixItems", ())][:most]
        rest = flat.get("items", True)
        if "contains" in flat:
            schemas += [{"allOf": [rest, flat["contains"]]}] * min(flat.get("minContains", 1), _MOST_ITEMS)
        if rest is not False:
            count = max(least, min(most, self._count(rest, name, depth)))
            schemas += [rest] * min(count - len(schemas), _MOST_ITEMS)
        return self._items(schemas, name, depth, unique=bool(flat.get("uniqueItems")), least=least)

    def _count(self, items: Any, name: str, depth: int) -> int:
        if depth > _SHALLOW:
            return 0
        flat = self._flattener.flatten(items)
        kind = self._type(flat, name, depth + 1)
        if kind in ("integer", "number"):
            return len(self._mentions.numbers) or 1
        if kind == "string" and "enum" not in flat:
            return len(self._offers(kind_of(name, str(flat.get("description", ""))))) or 1
        return self._rng.randint(1, 3) if self._complete else 1

    def _items(self, schemas: Sequence[Any], name: str, depth: int, *, unique: bool, least: int) -> list[Any]:
        items: list[Any] = []
        seen: set[str] = set()
        for index, schema in enumerate(schemas):
            item = self._distinct(schema, name, depth, seen) if unique else self.value(schema, name, depth + 1)
            if item is _NOTHING:
                if index < least:
                    raise UnsatisfiableError("not enough different items")
                break
            items.append(item)
        return items

    def _distinct(self, schema: Any, name: str, depth: int, seen: set[str]) -> Any:
        turn = self._turn
        try:
            for self._turn in range(turn, turn + len(seen) + ATTEMPTS):
                item = self.value(schema, name, depth + 1)
                known = json.dumps(item, sort_keys=True)
                if known not in seen:
                    seen.add(known)
                    return item
        finally:
            self._turn = turn
        return _NOTHING


def _needed(flat: Schema) -> list[str]:
    """The required properties and, transitively, those they depend on."""
    needed = list(dict.fromkeys(flat.get("required", ())))
    depends: Mapping[str, Sequence[str]] = flat.get("dependentRequired", {})
    for name in needed:
        needed += [other for other in depends.get(name, ()) if other not in needed]
    return needed
