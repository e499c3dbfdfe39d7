"""The small part of JSONPath that a matcher needs: `$.input.messages[0].content`, `[-1]`, `['a key']`, `[*]`.

Filters, slices and `..` are left out on purpose: a matcher points at a value and says what it must be, and
conditions over a body are what `json_schema` is for. The libraries that do it all bring parsers and pattern
engines of their own, for which a stub has no use.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

Step = str | int | None
"""A key, an index, or None for `[*]`."""

_STEP = re.compile(r"\.([\w-]+)|\[(-?\d{1,9})\]|\['([^']*)'\]|\[\"([^\"]*)\"\]|(\.\*|\[\*\])")


class PathError(ValueError):
    """A path outside the small part. The text shows where."""


@lru_cache(maxsize=512)
def parse(path: str) -> tuple[Step, ...]:
    """The steps of a path. Raises `PathError`."""
    steps: list[Step] = []
    at = 1
    while path[:1] == "$" and at < len(path) and (found := _STEP.match(path, at)):
        key, index, *quoted = found.groups()
        steps.append(int(index) if index else next((word for word in (key, *quoted[:2]) if word is not None), None))
        at = found.end()
    if path[:1] != "$" or at < len(path):
        raise PathError(f"{path!r} is no path: write $.a.b[0], ['a key'], [-1] or [*] (stopped at {path[at:]!r})")
    return tuple(steps)


def find(path: str, value: Any) -> tuple[Any, ...]:
    """All values that a path leads to; several only with `[*]`, none if there is no such place."""
    found = (value,)
    for step in parse(path):
        found = tuple(child for each in found for child in _children(each, step))
    return found


def _children(value: Any, step: Step) -> Iterator[Any]:
    match value, step:
        case (dict(), None):
            yield from value.values()
        case (list(), None):
            yield from value
        case (dict(), str()) if step in value:
            yield value[step]
        case (list(), int()) if -len(value) <= step < len(value):
            yield value[step]
